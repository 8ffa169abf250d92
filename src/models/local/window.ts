import { createDeferred, type Deferred } from './deferred.ts';
import type { PipelineError } from '../../errors.ts';
import type { EmbedResult } from '../port.ts';
import type { Job, JobReply } from './inference-workers.ts';

/** What a batch is made of: one text or image of a window on its way through a worker. */
export interface WindowRow {
  readonly window: EmbedWindow<WindowRow>;
  /** Number of what it holds among the window's distinct texts or images. */
  readonly unit: number;
}

/** Work that comes before a window's rows can share batches. */
export interface Preparation {
  readonly job: Job;
  /** @returns whether all rows of the window are there now */
  readonly accept: (reply: JobReply) => boolean;
}

/**
 * The state of one `embed` call: its distinct texts or images (units), the inputs that have them, and the results as
 * they come.
 */
export abstract class EmbedWindow<out Row> {
  readonly result: EmbedResult;
  readonly promise: Promise<EmbedResult>;
  /** Complete once every preparation has been accepted. */
  abstract readonly rows: readonly Row[];
  abstract readonly preparations: readonly Preparation[];
  readonly #faults: Map<number, PipelineError>;
  readonly #inputsOf: readonly (readonly number[])[];
  readonly #dimension: number;
  readonly #settle: Deferred<EmbedResult>;
  #finished = 0;
  #settled = false;

  /** @param inputsOf the inputs of each unit; @param faults of inputs that are in none */
  constructor(
    inputs: number,
    dimension: number,
    inputsOf: readonly (readonly number[])[],
    faults: Map<number, PipelineError>,
  ) {
    this.#dimension = dimension;
    this.#inputsOf = inputsOf;
    this.#faults = faults;
    this.result = {
      vectors: new Float32Array(inputs * dimension),
      tokenCounts: new Uint32Array(inputs),
      truncated: new Uint8Array(inputs),
      faults,
    };
    this.#settle = createDeferred();
    this.promise = this.#settle.promise;
    this.#settleIfDone();
  }

  /** True once the call has been answered: what still comes back is of no use. */
  get settled(): boolean {
    return this.#settled;
  }

  /** @param vectors (rows, dimension) that hold this unit's vector at `row` */
  acceptVector(unit: number, vectors: Float32Array, row: number): void {
    const vector = vectors.subarray(row * this.#dimension, (row + 1) * this.#dimension);
    for (const input of this.#inputsOf[unit] ?? []) this.result.vectors.set(vector, input * this.#dimension);
    this.#finishOne();
  }

  /** One unit can't be embedded; its inputs become faults. */
  fail(unit: number, error: PipelineError): void {
    for (const input of this.#inputsOf[unit] ?? []) this.#faults.set(input, error);
    this.#finishOne();
  }

  /** The call as a whole ends with an error. */
  reject(error: unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#settle.reject(error);
  }

  protected count(unit: number, tokens: number, truncated: number): void {
    for (const input of this.#inputsOf[unit] ?? []) {
      this.result.tokenCounts[input] = tokens;
      this.result.truncated[input] = truncated;
    }
  }

  #finishOne(): void {
    this.#finished++;
    this.#settleIfDone();
  }

  #settleIfDone(): void {
    if (this.#settled || this.#finished < this.#inputsOf.length) return;
    this.#settled = true;
    this.#settle.resolve(this.result);
  }
}
