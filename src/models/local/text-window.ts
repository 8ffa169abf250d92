import { poisonError, type PipelineError } from '../../errors.ts';
import type { EmbedInput } from '../port.ts';
import type { JobReply } from './inference-workers.ts';
import type { WaitingRow } from './length-pool.ts';
import type { TokenisedTexts } from './messages.ts';
import { textChunks } from './text-chunks.ts';
import { EmbedWindow, type Preparation, type WindowRow } from './window.ts';

/** One text of a window, which may stand for several inputs. */
export interface TextRow extends WindowRow, WaitingRow {
  readonly ids: Int32Array;
}

/** An `embed` call on texts: they are tokenised in chunks before any of them is embedded. */
export class TextWindow extends EmbedWindow<TextRow> {
  /** Distinct texts, with the prefix. */
  readonly texts: readonly string[];
  readonly rows: TextRow[] = [];
  readonly preparations: readonly Preparation[];
  #tokenised = 0;

  constructor(inputs: readonly EmbedInput[], dimension: number, prefix: string, model: string) {
    const faults = new Map<number, PipelineError>();
    const inputsOf = new Map<string, number[]>();
    inputs.forEach(({ text }, input) => {
      if (text === undefined) {
        const reason = `The model ${model} reads text, and this input has none.`;
        faults.set(input, poisonError('INPUT_NOT_READABLE', reason));
        return;
      }
      const known = inputsOf.get(text);
      if (known === undefined) inputsOf.set(text, [input]);
      else known.push(input);
    });
    super(inputs.length, dimension, [...inputsOf.values()], faults);
    this.texts = Array.from(inputsOf.keys(), (text) => prefix + text);
    this.preparations = textChunks(this.texts).map(([first, end]) => ({
      job: { kind: 'tokenise', texts: this.texts.slice(first, end) },
      accept: (reply) => this.#acceptChunk(first, reply),
    }));
  }

  #acceptChunk(first: number, reply: JobReply): boolean {
    return reply.kind === 'tokenised' && this.#acceptTokens(first, reply);
  }

  /** @param first index of the chunk's first text; @returns whether every text has been tokenised */
  #acceptTokens(first: number, tokens: TokenisedTexts): boolean {
    const refused = new Map(tokens.refused);
    let start = 0;
    tokens.lengths.forEach((length, i) => {
      const unit = first + i;
      const reason = refused.get(i);
      if (reason === undefined) {
        this.count(unit, length, tokens.truncated[i] ?? 0);
        this.rows.push({ window: this, unit, length, ids: tokens.ids.subarray(start, start + length) });
      } else {
        this.fail(unit, poisonError('INPUT_NOT_TOKENISED', `The text could not be tokenised: ${reason}.`));
      }
      start += length;
    });
    this.#tokenised += tokens.lengths.length;
    return this.#tokenised === this.texts.length;
  }
}
