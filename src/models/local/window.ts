import { createDeferred, type Deferred } from './deferred.ts';
import { poisonError, type PipelineError } from '../../errors.ts';
import type { EmbedInput, EmbedResult } from '../port.ts';
import type { TokenisedTexts } from './messages.ts';
import type { WaitingRow } from './length-pool.ts';

/** One text of a window on its way through a worker; it may stand for several inputs. */
export interface TextRow extends WaitingRow {
  readonly window: EmbedWindow;
  /** Index among the window's distinct texts. */
  readonly text: number;
  readonly ids: Int32Array;
}

/** The state of one `embed` call: distinct texts, the inputs that have them, and the results as they come. */
export class EmbedWindow {
  /** Distinct texts, with the prefix. */
  readonly texts: readonly string[];
  readonly result: EmbedResult;
  readonly promise: Promise<EmbedResult>;
  readonly rows: TextRow[] = [];
  readonly #faults = new Map<number, PipelineError>();
  readonly #inputsOf: number[][] = [];
  readonly #dimension: number;
  readonly #settle: Deferred<EmbedResult>;
  #tokenised = 0;
  #finished = 0;
  #settled = false;

  constructor(inputs: readonly EmbedInput[], dimension: number, prefix: string, model: string) {
    this.#dimension = dimension;
    this.result = {
      vectors: new Float32Array(inputs.length * dimension),
      tokenCounts: new Uint32Array(inputs.length),
      truncated: new Uint8Array(inputs.length),
      faults: this.#faults,
    };
    const indexOf = new Map<string, number>();
    inputs.forEach(({ text }, input) => {
      if (text === undefined) {
        const reason = `The model ${model} reads text, and this input has none.`;
        this.#faults.set(input, poisonError('INPUT_NOT_READABLE', reason));
        return;
      }
      const known = indexOf.get(text);
      if (known === undefined) {
        indexOf.set(text, this.#inputsOf.length);
        this.#inputsOf.push([input]);
      } else {
        this.#inputsOf[known]?.push(input);
      }
    });
    this.texts = Array.from(indexOf.keys(), (text) => prefix + text);
    this.#settle = createDeferred();
    this.promise = this.#settle.promise;
    this.#settleIfDone();
  }

  /** True once the call has been answered: what still comes back is of no use. */
  get settled(): boolean {
    return this.#settled;
  }

  /** @param first index of the chunk's first text; @returns whether every text has been tokenised */
  acceptTokens(first: number, tokens: TokenisedTexts): boolean {
    const refused = new Map(tokens.refused);
    let start = 0;
    tokens.lengths.forEach((length, i) => {
      const text = first + i;
      const reason = refused.get(i);
      if (reason === undefined) {
        for (const input of this.#inputsOf[text] ?? []) {
          this.result.tokenCounts[input] = length;
          this.result.truncated[input] = tokens.truncated[i] ?? 0;
        }
        this.rows.push({ window: this, text, length, ids: tokens.ids.subarray(start, start + length) });
      } else {
        this.fail(text, poisonError('INPUT_NOT_TOKENISED', `The text could not be tokenised: ${reason}.`));
      }
      start += length;
    });
    this.#tokenised += tokens.lengths.length;
    return this.#tokenised === this.texts.length;
  }

  /** @param vectors (rows, dimension) that hold this text's vector at `row` */
  acceptVector(text: number, vectors: Float32Array, row: number): void {
    const vector = vectors.subarray(row * this.#dimension, (row + 1) * this.#dimension);
    for (const input of this.#inputsOf[text] ?? []) this.result.vectors.set(vector, input * this.#dimension);
    this.#finishOne();
  }

  /** One text can't be embedded; its inputs become faults. */
  fail(text: number, error: PipelineError): void {
    for (const input of this.#inputsOf[text] ?? []) this.#faults.set(input, error);
    this.#finishOne();
  }

  /** The call as a whole ends with an error. */
  reject(error: unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#settle.reject(error);
  }

  #finishOne(): void {
    this.#finished++;
    this.#settleIfDone();
  }

  #settleIfDone(): void {
    if (this.#settled || this.#finished < this.texts.length) return;
    this.#settled = true;
    this.#settle.resolve(this.result);
  }
}
