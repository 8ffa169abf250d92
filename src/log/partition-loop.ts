import { offsetInvalid } from './log-errors.ts';
import type { GroupLease } from './engine.ts';
import { observedRetries, type LogObserver } from './observer.ts';
import type { PartitionFetcher } from './partition-fetcher.ts';
import type { PartitionTask, Progress } from './port.ts';
import { withRetries } from './retry.ts';

export interface PartitionLoopOptions {
  readonly topic: string;
  readonly partition: number;
  readonly lease: Pick<GroupLease, 'commit'>;
  /** The group's offset, or where it begins again. Left out: it never committed. */
  readonly committed?: number;
  /** Left out: a pause means nothing, as in a bounded input. */
  readonly quietMs?: number;
  /** Aborted when the run has failed: nothing is committed any more. */
  readonly failure: AbortSignal;
  /** Aborted when the run is to stop cleanly. */
  readonly stop: AbortSignal;
  /** Whether the partition was taken away, which is no failure. */
  readonly isRevoked?: () => boolean;
  /** Told of commits, under the name of the group. */
  readonly observed?: { readonly group: string; readonly observer: LogObserver };
}

interface Transaction {
  readonly progress: Progress;
  readonly written: Promise<void>;
  settled: boolean;
}

/**
 * Drives one `PartitionTask`: process(N), begin transaction(N), process(N + 1) while it is written, await it,
 * committed(N), begin transaction(N + 1), … It is a state machine that looks again whenever `wake` is called, so that
 * the calls of the task never overlap and a transaction never waits for records that may not come.
 */
export class PartitionLoop {
  readonly #task: PartitionTask;
  readonly #fetcher: PartitionFetcher;
  readonly #options: PartitionLoopOptions;
  #transaction: Transaction | undefined;
  /** Where reading began; a group that never committed need not commit just that. */
  readonly #begun: number;
  /** Next offset to read as last given to a transaction, and as the task last put it: before the gaps that follow. */
  #committed: number | undefined;
  #reported: number | undefined;
  /** One past the last record handed over. */
  #handedOver: number | undefined;
  /** Records were processed since the last `idle`. */
  #busy = false;
  #quietTimer: NodeJS.Timeout | undefined;
  #quietDue = false;
  #woken = false;
  #wakeUp: (() => void) | undefined;

  constructor(task: PartitionTask, fetcher: PartitionFetcher, options: PartitionLoopOptions) {
    this.#task = task;
    this.#fetcher = fetcher;
    this.#options = options;
    this.#committed = options.committed;
    this.#reported = this.#committed;
    this.#begun = fetcher.position;
  }

  readonly wake = (): void => {
    this.#woken = true;
    this.#wakeUp?.();
  };

  /** Resolves when the task has ended cleanly and is closed; on an error the task is closed as failed. */
  async run(): Promise<void> {
    try {
      const reason = await this.#follow();
      await this.#step(() => this.#task.idle(reason), true);
      await this.#settle();
    } catch (error) {
      clearTimeout(this.#quietTimer);
      this.#fetcher.close();
      // The outcome of what is being written no longer matters, but it must be over before the lease is given up.
      await this.#transaction?.written.catch(() => undefined);
      await closeAfterFailure(this.#task, this.#isRevoked ? 'revoked' : 'failed');
      throw error;
    }
    clearTimeout(this.#quietTimer);
    this.#fetcher.close();
    await this.#task.close(this.#isRevoked ? 'revoked' : 'done');
  }

  get #isRevoked(): boolean {
    return this.#options.isRevoked?.() === true;
  }

  async #follow(): Promise<'end' | 'stop'> {
    const { failure, stop } = this.#options;
    for (;;) {
      this.#woken = false;
      failure.throwIfAborted();
      if (this.#transaction?.settled === true) await this.#settle();
      else if (stop.aborted) return 'stop';
      else if (this.#fetcher.atLimit) return 'end';
      else if (!(await this.#work())) await this.#sleep();
    }
  }

  /** One call of the task if there is reason for one. */
  async #work(): Promise<boolean> {
    const records = this.#fetcher.take();
    const last = records?.at(-1);
    if (records !== undefined && last !== undefined) {
      this.#handedOver = last.offset + 1;
      this.#holdQuiet();
      await this.#step(() => this.#task.process(records));
      this.#busy = true;
      this.#armQuiet();
      return true;
    }
    if (!this.#quietDue) return records !== undefined;
    this.#holdQuiet();
    this.#busy = false;
    await this.#step(() => this.#task.idle('quiet'), true);
    return true;
  }

  async #step(call: () => Promise<Progress>, isIdle = false): Promise<void> {
    const { position } = this.#fetcher;
    const progress = await call();
    await this.#settle();
    this.#options.failure.throwIfAborted();
    this.#begin(progress, position, isIdle);
  }

  #begin(progress: Progress, position: number, isIdle: boolean): void {
    const { topic, partition, lease, failure, observed } = this.#options;
    const offset = this.#toCommit(progress.offset, position, isIdle);
    if (progress.outputs.length === 0 && offset === undefined) return;
    if (offset !== undefined) this.#committed = offset;
    const input = { topic, partition, ...(offset === undefined ? {} : { offset }) };
    const startMs = performance.now();
    const retries = observedRetries(observed?.observer, 'commit', input);
    const written = withRetries(() => lease.commit(progress.outputs, input), failure, retries);
    const transaction: Transaction = { progress, written, settled: false };
    this.#transaction = transaction;
    const settled = (): void => {
      transaction.settled = true;
      this.wake();
    };
    written.then(() => {
      settled();
      const elapsedMs = performance.now() - startMs;
      observed?.observer.committed?.({ group: observed.group, ...input, outputs: progress.outputs.length, elapsedMs });
    }, settled);
  }

  #toCommit(offset: number | undefined, position: number, isIdle: boolean): number | undefined {
    const reported = this.#reported;
    const isNews = offset !== undefined && offset !== reported;
    if (isNews) {
      if (!Number.isSafeInteger(offset) || offset > position || offset < (reported ?? 0)) {
        throw offsetInvalid(`${this.#options.topic}/${this.#options.partition}`, offset, reported, position);
      }
      this.#reported = offset;
    } else if (!isIdle) {
      return undefined;
    }
    // A gap after the last record is done with, too: otherwise it would show as lag for ever.
    const isAllDone = this.#handedOver === undefined || this.#handedOver === this.#reported;
    const target = isAllDone ? position : offset;
    return target !== undefined && target > (this.#committed ?? this.#begun) ? target : undefined;
  }

  /** Awaits the transaction under way, if any, and tells the task. */
  async #settle(): Promise<void> {
    const transaction = this.#transaction;
    if (transaction === undefined) return;
    await transaction.written;
    this.#transaction = undefined;
    await this.#task.committed?.(transaction.progress);
  }

  #armQuiet(): void {
    const { quietMs } = this.#options;
    if (quietMs === undefined || !this.#busy) return;
    this.#quietTimer = setTimeout(() => {
      this.#quietDue = true;
      this.wake();
    }, quietMs);
  }

  #holdQuiet(): void {
    clearTimeout(this.#quietTimer);
    this.#quietDue = false;
  }

  async #sleep(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wakeUp = resolve;
      if (this.#woken) resolve();
    });
    this.#wakeUp = undefined;
  }
}

/** The error that ended the run is the one to report; a second one from closing would hide it. */
export async function closeAfterFailure(task: PartitionTask, reason: 'failed' | 'revoked' = 'failed'): Promise<void> {
  await task.close(reason).catch(() => undefined);
}
