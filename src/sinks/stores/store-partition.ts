import { failureOutcome, PipelineError } from '../../errors.ts';
import type { LogRecord, OutputRecord, PartitionTask, Progress } from '../../log/port.ts';
import { countRefusals, lettersOf, type LetterOrigin, type RefusedCounts } from '../dead-letters.ts';
import type { StoreFault, StorePartition } from './port.ts';

export interface StorePartitionOptions<Change extends { readonly offset: number }> {
  readonly partition: StorePartition<Change>;
  /** Next offset that the group would read. */
  readonly offset: number;
  /** Throws a poison error for a value that is none. */
  readonly decode: (record: LogRecord) => Change;
  readonly letters: LetterOrigin;
  /** Grows by what is committed. */
  readonly counts: RefusedCounts;
  /** Most time that a change waits for others to be written with. Left out: until the input ends or pauses. */
  readonly lingerMs?: number | undefined;
  readonly nowMs: () => number;
}

/** A store's work on one partition: changes are handed over in order, and what is durable is reported to the log. */
export class StorePartitionTask<Change extends { readonly offset: number }> implements PartitionTask {
  readonly startOffset?: number;
  readonly #options: StorePartitionOptions<Change>;
  readonly #stored: number;
  /** Faults whose offset is not reported yet, in offset order. */
  #faults: StoreFault[] = [];
  /** Next offsets: of all that came, of what was handed over, of what is durable. */
  #seen: number | undefined;
  #handed = -1;
  #durable = -1;
  /** When the oldest change that may not be durable was handed over. */
  #waitingSinceMs: number | undefined;
  readonly #uncommitted = new WeakMap<Progress, readonly StoreFault[]>();

  constructor(options: StorePartitionOptions<Change>) {
    this.#options = options;
    const { storedOffset } = options.partition;
    this.#stored = storedOffset ?? -1;
    if (storedOffset !== undefined && storedOffset < options.offset) this.startOffset = storedOffset;
  }

  async process(records: readonly LogRecord[]): Promise<Progress> {
    const { partition, nowMs, lingerMs = Infinity } = this.#options;
    const changes: Change[] = [];
    for (const record of records) {
      const change = this.#changeOf(record);
      if (change !== undefined && record.offset >= this.#stored) changes.push(change);
      this.#seen = record.offset + 1;
    }
    const last = changes.at(-1);
    if (last !== undefined) {
      this.#waitingSinceMs ??= nowMs();
      this.#handed = last.offset + 1;
      await partition.write(changes);
    }
    // While records trickle in there is no pause in which the log would call `idle`.
    if (this.#waitingSinceMs !== undefined && nowMs() - this.#waitingSinceMs >= lingerMs) await partition.flush();
    return this.#report();
  }

  async idle(): Promise<Progress> {
    await this.#options.partition.flush();
    return this.#report();
  }

  committed(progress: Progress): Promise<void> {
    countRefusals(this.#options.counts, this.#uncommitted.get(progress) ?? []);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return this.#options.partition.close();
  }

  /** undefined: the value can't be one, which is noted. */
  #changeOf(record: LogRecord): Change | undefined {
    const { decode, partition } = this.#options;
    let error: PipelineError | undefined;
    try {
      const change = decode(record);
      error = partition.check?.(change);
      if (error === undefined) return change;
    } catch (thrown) {
      if (!(thrown instanceof PipelineError) || failureOutcome(thrown) !== 'dead-letter') throw thrown;
      error = thrown;
    }
    this.#faults.push({ offset: record.offset, error });
    return undefined;
  }

  /** What is durable by now, with the dead letters before it. */
  async #report(): Promise<Progress> {
    const { offset: durable, faults } = this.#options.partition.progress();
    if (durable !== undefined && durable !== this.#durable) {
      this.#durable = durable;
      this.#waitingSinceMs = this.#options.nowMs();
    }
    if (faults.length > 0) this.#faults = [...this.#faults, ...faults].sort((a, b) => a.offset - b.offset);
    const isAllDurable = this.#durable >= this.#handed;
    if (isAllDurable) this.#waitingSinceMs = undefined;
    // What was not handed over needs no store to be done with.
    const offset = isAllDurable ? this.#seen : this.#durable;
    if (offset === undefined || offset < 0) return { outputs: [] };
    const settled = this.#faults.filter((fault) => fault.offset < offset);
    const outputs: readonly OutputRecord[] =
      settled.length === 0 ? [] : await lettersOf(settled, this.#options.letters);
    this.#faults = this.#faults.slice(settled.length);
    const progress: Progress = { outputs, offset };
    this.#uncommitted.set(progress, settled);
    return progress;
  }
}
