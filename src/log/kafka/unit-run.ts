import { PipelineError } from '../../errors.ts';
import { groupFenced } from '../log-errors.ts';
import type { RunOptions, Task } from '../port.ts';
import { aborted } from '../aborted.ts';
import { PartitionRun } from '../partition-run.ts';
import type { KafkaEngine, Place } from './kafka-engine.ts';

export interface UnitRunOptions {
  readonly engine: KafkaEngine;
  readonly task: Task;
  readonly run: RunOptions;
  /** The partition of all of the task's inputs. */
  readonly unit: number;
  /** Most bytes of a fetch, by what is assigned now. */
  readonly maxBytes: () => number;
  /** Where a partition ends for this run; Infinity while following. */
  readonly limitOf: (place: Place) => number;
  /** Where a group that never committed begins. */
  readonly beginOf: (place: Place) => number;
  readonly failure: AbortSignal;
  readonly stop: AbortSignal;
  /** Whether nobody else can have been given this member's units yet. */
  readonly isMember: () => boolean;
  /** Resolves when the membership knows what this member owns. */
  readonly settleMembership: () => Promise<void>;
  /** An earlier run of the same unit that is still closing. */
  readonly after: Promise<void> | undefined;
}

/** A member's work on the same partition of all inputs, from being assigned to being done, given up or lost. */
export class UnitRun {
  /** Rejects with what failed, unless the unit was given up or lost. */
  readonly ended: Promise<void>;
  /** Nothing is committed any more: somebody else may have the unit, though a call of the task may still be going on. */
  readonly released: Promise<void>;
  readonly #options: UnitRunOptions;
  readonly #givenUp = new AbortController();
  readonly #lost = new AbortController();
  readonly #partitions = new Map<string, PartitionRun>();
  #isDone = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: UnitRunOptions) {
    this.#options = options;
    this.ended = this.#execute();
    const ended = this.ended.catch(() => undefined);
    this.released = Promise.race([ended, aborted(this.#lost.signal)]);
  }

  /** Not given up, not lost. */
  get isCurrent(): boolean {
    return !this.#givenUp.signal.aborted;
  }

  /** Everything up to the limits is done and committed. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Finishes what is in flight, within `timeoutMs`; then drops it. */
  giveUp(timeoutMs: number): void {
    if (!this.isCurrent) return;
    this.#givenUp.abort();
    this.#timer = setTimeout(() => {
      this.drop();
    }, timeoutMs);
    this.wake();
  }

  /** Somebody else has it: nothing is committed any more. */
  drop(): void {
    this.#givenUp.abort();
    this.#lost.abort(new PipelineError('LOG_REVOKED', 'The partition went to another member.', { retriable: false }));
    this.wake();
  }

  wake(): void {
    for (const partition of this.#partitions.values()) partition.wake();
  }

  setLimits(): void {
    for (const [topic, partition] of this.#partitions)
      partition.setLimit(this.#options.limitOf({ topic, partition: this.#options.unit }));
  }

  async #execute(): Promise<void> {
    const { task, after } = this.#options;
    try {
      // However that one ended is known already.
      await after?.catch(() => undefined);
      const results = await Promise.allSettled(task.inputs.map((topic) => this.#runPartition(topic)));
      for (const result of results) if (result.status === 'rejected') throw result.reason;
      this.#isDone = this.isCurrent && !this.#options.stop.aborted;
    } finally {
      clearTimeout(this.#timer);
    }
  }

  async #runPartition(topic: string): Promise<void> {
    let commits = 0;
    const committed = (): void => {
      commits++;
    };
    for (let isAgain = false; ; isAgain = true) {
      try {
        commits = 0;
        await this.#work({ topic, partition: this.#options.unit }, committed);
        return;
      } catch (error) {
        const isFenced = error instanceof PipelineError && error.code === 'LOG_FENCED';
        // A newer owner's opening may be noticed before its assignment is.
        if (isFenced) await this.#options.settleMembership();
        if (!this.isCurrent) return;
        // Still ours: the cluster was away for longer than a transaction may take, and has ended ours. Twice without a
        // commit between, it is somebody who uses our transactional ids.
        const isTimedOut = isFenced && (!isAgain || commits > 0) && !this.#options.failure.aborted;
        if (!isTimedOut) throw error;
      }
    }
  }

  /** After a long silence it waits until the group has said whose the unit is. */
  async #assertOwner(failure: AbortSignal): Promise<void> {
    const { isMember, settleMembership, task } = this.#options;
    while (!this.#lost.signal.aborted && !isMember()) {
      failure.throwIfAborted();
      await settleMembership();
    }
    if (this.#lost.signal.aborted) throw groupFenced(task.group);
  }

  async #work(place: Place, committed: () => void): Promise<void> {
    const { engine, task, run, maxBytes, limitOf, beginOf } = this.#options;
    const failure = AbortSignal.any([this.#options.failure, this.#lost.signal]);
    const stop = AbortSignal.any([this.#options.stop, this.#givenUp.signal]);
    if (failure.aborted || stop.aborted) return;
    const lease = await engine.lease(task.group, place, failure);
    try {
      const partition = await PartitionRun.open({
        engine,
        task,
        run,
        ...place,
        lease: {
          commit: async (...transaction) => {
            await lease.commit(...transaction);
            committed();
          },
          assertOwner: () => this.#assertOwner(failure),
        },
        committed: lease.committed,
        endOffset: beginOf(place),
        limit: () => limitOf(place),
        maxBytes,
        failure,
        stop,
        isRevoked: () => !this.isCurrent,
      });
      if (partition === undefined) return;
      this.#partitions.set(place.topic, partition);
      await partition.execute();
    } finally {
      this.#partitions.delete(place.topic);
      await lease.close();
    }
  }
}
