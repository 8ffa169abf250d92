import type { PipelineError } from '../errors.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { checkPlaces } from '../log/placement.ts';
import type { LogRecord, OutputRecord, PartitionTask, Progress } from '../log/port.ts';
import type { EmbedInput, Embedder } from '../models/port.ts';
import { ATTEMPT_HEADER } from '../record/dead-letter.ts';
import type { PartKind } from '../record/identity.ts';
import { EqualContents, type Answer, type Answers } from './equal-contents.ts';
import { addCounts, emptyCounts, type ProcessCounts } from './outcomes.ts';
import { PartitionOutputs, type Failed, type PartitionOutputsOptions } from './partition-outputs.ts';
import { inputOf, planBatch, type Decision } from './plan.ts';

/** Batches a local model has before it: one at work, one or two waiting, so that no worker ever waits for the log. */
const DEFAULT_IN_FLIGHT = 3;

export interface EmbeddingPartitionOptions extends PartitionOutputsOptions {
  readonly embedder: Embedder;
  /** The state of this partition, restored. */
  readonly ledger: Ledger;
  /** Batches that all partitions of the task have before the model. */
  readonly inFlight: { batches: number };
  readonly kinds: readonly PartKind[];
  /** As in the port. */
  readonly startOffset?: number;
  /** Grows by what is committed. */
  readonly counts: ProcessCounts;
  readonly onCommitted: () => void;
}

interface InFlight {
  readonly decisions: readonly Decision[];
  /** For each decision to embed, where its vector will be: in this batch or an earlier one. */
  readonly answers: readonly Answer[];
  readonly own: Answers;
  readonly counts: ProcessCounts;
  readonly offset: number;
  readonly result: Promise<Answers>;
  settled: boolean;
}

/**
 * One partition under one model. `process` plans a batch by the ledger, hands it to the model and answers with the
 * batches before it that are done: the next batch is prepared, and the last one written, while the model works.
 *
 * The ledger in memory runs ahead of the log by what is in flight. That is safe since any failure ends the task, and
 * the next one restores the ledger from what was committed.
 */
export class EmbeddingPartition implements PartitionTask {
  readonly startOffset?: number;
  readonly #options: EmbeddingPartitionOptions;
  readonly #outputs: PartitionOutputs;
  readonly #inFlight: InFlight[] = [];
  readonly #contents: EqualContents;
  readonly #uncommitted = new WeakMap<Progress, ProcessCounts>();
  /** What is being written. */
  #writing: Progress | undefined;
  /** Of a batch after it: thrown once that is committed. */
  #failure: { readonly error: unknown } | undefined;
  readonly #abort = new AbortController();

  constructor(options: EmbeddingPartitionOptions) {
    this.#options = options;
    this.#outputs = new PartitionOutputs(options);
    this.#contents = new EqualContents(options.embedder.info.dimension, options.input.partitions);
    if (options.startOffset !== undefined) this.startOffset = options.startOffset;
  }

  async process(records: readonly LogRecord[]): Promise<Progress> {
    checkPlaces(records, this.#options.input);
    // Thrown as soon as what is being written is committed.
    if (this.#failure !== undefined) return { outputs: [] };
    this.#begin(records);
    return this.#collect(this.#mayStayInFlight());
  }

  async idle(): Promise<Progress> {
    return this.#failure === undefined ? this.#collect(0) : { outputs: [] };
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- the port has a promise, which a throw rejects
  async committed(progress: Progress): Promise<void> {
    const counts = this.#uncommitted.get(progress);
    if (counts !== undefined) addCounts(this.#options.counts, counts);
    this.#options.onCommitted();
    if (this.#writing !== progress) return;
    this.#writing = undefined;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await Promise.allSettled(this.#inFlight.map((batch) => batch.result));
    this.#options.inFlight.batches -= this.#inFlight.length;
    this.#inFlight.length = 0;
  }

  #begin(records: readonly LogRecord[]): void {
    const { ledger, fingerprint, embedder } = this.#options;
    const { decisions, ...planned } = planBatch(records, this.#options);
    const inputs: EmbedInput[] = [];
    const answers: Answer[] = [];
    const own: Answers = {};
    this.#contents.begin(own);
    for (const decision of decisions) {
      if (decision.kind === 'delete') ledger.delete(decision.record.key ?? new Uint8Array());
      else if (decision.kind === 'embed') {
        ledger.set(decision.view.id, { contentHash: decision.contentHash, fingerprint, outcome: 'embedded' });
        answers.push(this.#answerTo(decision, inputs));
      }
    }
    const result = inputs.length === 0 ? undefined : embedder.embed(inputs, { signal: this.#abort.signal });
    const batch: InFlight = {
      decisions,
      answers,
      own,
      counts: { ...emptyCounts(), ...planned, read: records.length },
      offset: (records.at(-1)?.offset ?? -1) + 1,
      result: Promise.resolve(result).then((answered) => Object.assign(own, answered && { result: answered })),
      settled: result === undefined,
    };
    const settle = (): void => {
      batch.settled = true;
    };
    // A rejection is met by whoever awaits the batch; here it only marks it as ready to be met.
    batch.result.then(settle, settle);
    this.#inFlight.push(batch);
    this.#options.inFlight.batches++;
  }

  /** What the partitions have before the model together is enough for it; each may have one. */
  #mayStayInFlight(): number {
    const { embedder, inFlight } = this.#options;
    const ofOthers = inFlight.batches - this.#inFlight.length;
    return Math.max(0, (embedder.windowsInFlight ?? DEFAULT_IN_FLIGHT) - ofOthers - 1);
  }

  /** A retry is for the model to try again, whatever it has answered before. */
  #answerTo(decision: Extract<Decision, { kind: 'embed' }>, inputs: EmbedInput[]): Answer {
    const { contentHash } = decision;
    const equal = decision.record.headers[ATTEMPT_HEADER] === undefined ? this.#contents.find(contentHash) : undefined;
    if (equal !== undefined) return equal;
    inputs.push(inputOf(decision, this.#options.kinds));
    return this.#contents.add(contentHash);
  }

  /**
   * Waits until at most `leave` batches are in flight and takes all that are done, in order. Where one fails, what was
   * done before it, and maybe paid for, is written first: its error is thrown once that is committed.
   */
  async #collect(leave: number): Promise<Progress> {
    const counts = emptyCounts();
    const outputs: OutputRecord[] = [];
    let offset: number | undefined;
    for (let next = this.#inFlight[0]; next !== undefined; next = this.#inFlight[0]) {
      if (!next.settled && this.#inFlight.length <= leave) break;
      try {
        await next.result;
      } catch (error) {
        if (offset === undefined && this.#writing === undefined) throw error;
        this.#failure = { error };
        break;
      }
      this.#complete(next, outputs);
      addCounts(counts, next.counts);
      offset = next.offset;
      this.#inFlight.shift();
      this.#options.inFlight.batches--;
    }
    const progress: Progress = offset === undefined ? { outputs } : { outputs, offset };
    this.#uncommitted.set(progress, counts);
    if (offset !== undefined) this.#writing = progress;
    return progress;
  }

  #complete(batch: InFlight, outputs: OutputRecord[]): void {
    let [embedded, inputs] = [0, 0];
    for (const decision of batch.decisions) {
      if (decision.kind === 'delete') this.#outputs.deletion(decision.record, outputs);
      else if (decision.kind === 'dead-letter') this.#deadLetter(decision, decision.error, batch.counts, outputs);
      else {
        const answer = batch.answers[embedded++];
        // Of this batch, or of one that was completed before.
        const result = answer?.answers.result;
        if (answer === undefined || result === undefined) continue;
        const isReused = answer.answers !== batch.own || answer.index !== inputs;
        if (!isReused) inputs++;
        const fault = result.faults.get(answer.index);
        if (fault === undefined)
          this.#outputs.embedding(decision, { result, index: answer.index, isReused }, batch.counts, outputs);
        else this.#deadLetter(decision, fault, batch.counts, outputs);
      }
    }
  }

  #deadLetter(decision: Failed, error: PipelineError, counts: ProcessCounts, outputs: OutputRecord[]): void {
    const { ledger, fingerprint } = this.#options;
    const { record, contentHash } = decision;
    this.#outputs.deadLetter(decision, error, counts, outputs);
    ledger.set(record.key ?? new Uint8Array(), { contentHash, fingerprint, outcome: 'dead-lettered' });
  }
}
