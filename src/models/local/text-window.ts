import { poisonError, type PipelineError } from '../../errors.ts';
import type { LongText } from '../long-text.ts';
import type { EmbedInput } from '../port.ts';
import type { JobReply } from './inference-workers.ts';
import type { WaitingRow } from './length-pool.ts';
import type { TokenisedTexts } from './messages.ts';
import { textChunks } from './text-chunks.ts';
import { WindowMean } from './window-mean.ts';
import { EmbedWindow, type Preparation, type WindowRow } from './window.ts';

/** One text of a window, which may stand for several inputs. */
export interface TextRow extends WindowRow, WaitingRow {
  readonly ids: Int32Array;
}

/** Of a text that is embedded in several. */
interface Part {
  readonly unit: number;
  readonly weight: number;
  /** Left out once one of them has failed. */
  readonly text: { mean?: WindowMean };
}

export interface TextWindowOptions {
  readonly dimension: number;
  readonly prefix: string;
  readonly model: string;
  readonly longText: LongText;
  /** Whether the model's vectors are of length 1. */
  readonly normalise: boolean;
}

/** An `embed` call on texts: they are tokenised in chunks before any of them is embedded. */
export class TextWindow extends EmbedWindow<TextRow> {
  /** Distinct texts, with the prefix. */
  readonly texts: readonly string[];
  readonly rows: TextRow[] = [];
  readonly preparations: readonly Preparation[];
  readonly #options: TextWindowOptions;
  /** Numbered as units behind the texts. */
  readonly #parts: Part[] = [];
  #tokenised = 0;

  constructor(inputs: readonly EmbedInput[], options: TextWindowOptions) {
    const { dimension, prefix, longText, model } = options;
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
    this.#options = options;
    this.texts = Array.from(inputsOf.keys(), (text) => prefix + text);
    this.preparations = textChunks(this.texts).map(([first, end]) => ({
      job: { kind: 'tokenise', texts: this.texts.slice(first, end), prefix, longText },
      accept: (reply) => this.#acceptChunk(first, reply),
    }));
  }

  #acceptChunk(first: number, reply: JobReply): boolean {
    return reply.kind === 'tokenised' && this.#acceptTokens(first, reply);
  }

  /** @param first index of the chunk's first text; @returns whether every text has been tokenised */
  #acceptTokens(first: number, tokens: TokenisedTexts): boolean {
    const refused = new Map(tokens.refused.map((refusal) => [refusal[0], refusal]));
    const { dimension, normalise } = this.#options;
    let [start, row] = [0, 0];
    tokens.rows.forEach((rows, i) => {
      const unit = first + i;
      const lengths = tokens.lengths.subarray(row, row + rows);
      const [, reason, code = 'INPUT_NOT_TOKENISED'] = refused.get(i) ?? [];
      if (reason === undefined) this.count(unit, sum(lengths), tokens.truncated[i] ?? 0);
      else this.fail(unit, poisonError(code, `The text can't be embedded with ${this.#options.model}: ${reason}.`));
      const text = rows > 1 ? { mean: new WindowMean(dimension, rows, normalise) } : {};
      lengths.forEach((length, index) => {
        const ids = tokens.ids.subarray(start, start + length);
        start += length;
        const part = { unit, weight: tokens.weights[row + index] ?? 1, text };
        this.rows.push({ window: this, unit: rows > 1 ? this.#unitOfPart(part) : unit, length, ids });
      });
      row += rows;
    });
    this.#tokenised += tokens.rows.length;
    return this.#tokenised === this.texts.length;
  }

  #unitOfPart(part: Part): number {
    return this.texts.length + this.#parts.push(part) - 1;
  }

  override acceptVector(unit: number, vectors: Float32Array, row: number): void {
    const part = this.#parts[unit - this.texts.length];
    if (part === undefined) {
      super.acceptVector(unit, vectors, row);
      return;
    }
    const { dimension } = this.#options;
    const mean = part.text.mean?.add(vectors.subarray(row * dimension, (row + 1) * dimension), part.weight);
    if (mean === undefined) return;
    if (mean.every(Number.isFinite)) super.acceptVector(part.unit, mean, 0);
    else super.fail(part.unit, poisonError('EMBEDDING_NOT_FINITE', 'The windows of this text cancel each other out.'));
  }

  override fail(unit: number, error: PipelineError): void {
    const part = this.#parts[unit - this.texts.length];
    if (part === undefined) super.fail(unit, error);
    else if (part.text.mean !== undefined) {
      delete part.text.mean;
      super.fail(part.unit, error);
    }
  }
}

function sum(numbers: Uint32Array): number {
  return numbers.reduce((total, each) => total + each, 0);
}
