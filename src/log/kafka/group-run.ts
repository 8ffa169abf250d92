import { setTimeout as delay } from 'node:timers/promises';
import { aborted } from '../aborted.ts';
import type { RunOptions, Task } from '../port.ts';
import { shareOfBytes } from '../partition-run.ts';
import { partitionsChanged, type KafkaCluster } from './kafka-cluster.ts';
import { placeName, type KafkaEngine, type Place } from './kafka-engine.ts';
import { GroupMembership } from './membership.ts';
import { UnitRun } from './unit-run.ts';

/** How often a run looks whether the group has done all of a bounded input, and whether its topics have grown. */
const LOOK_MS = 500;
const PARTITIONS_LOOK_MS = 15_000;
/** Refusals that membership words itself. */
const REFUSALS: ReadonlySet<string> = new Set([
  'INCONSISTENT_GROUP_PROTOCOL',
  'INVALID_SESSION_TIMEOUT',
  'GROUP_MAX_SIZE_REACHED',
  'INVALID_GROUP_ID',
]);

export interface GroupRunOptions {
  readonly engine: KafkaEngine;
  /** Connections of its own: a join is answered when all members have joined, and a heartbeat must not wait for a commit. */
  readonly memberCluster: KafkaCluster;
  readonly task: Task;
  readonly run: RunOptions;
  readonly closing: AbortSignal;
  readonly sessionTimeoutMs: number;
  /** How long what is in flight may take to be finished when a partition goes to another member. */
  readonly revokeTimeoutMs: number;
}

/**
 * A member of a group, from joining to leaving. A partition that stays is worked on through a rebalance; one that is to
 * go is finished first, within a bound; one that was lost (this process was frozen, say) is dropped at once: whoever has
 * it now has fenced this one's transactions.
 *
 * A bounded run ends when the group has done all up to the ends seen at its start, so that the partitions of a member
 * that dies are taken over by those that are still there.
 */
export async function runGroup(options: GroupRunOptions): Promise<void> {
  const { engine, task, run, closing } = options;
  const stop = run.signal === undefined ? closing : AbortSignal.any([run.signal, closing]);
  const units = await engine.commonPartitions(task.inputs);
  if (stop.aborted) return;
  await new GroupRun(options, stop, units).execute();
}

class GroupRun {
  readonly #options: GroupRunOptions;
  readonly #stop: AbortSignal;
  readonly #failure = new AbortController();
  readonly #units: number;
  /** The latest run of each unit that this member has or had. */
  readonly #runs = new Map<number, UnitRun>();
  readonly #membership: GroupMembership;
  /** How many units share what may be fetched ahead. */
  #assigned = 1;
  readonly #places: readonly Place[];
  /** Where each partition ends for this run, once that is known; and where it began. */
  #limits: ReadonlyMap<string, number> | undefined;
  #begins: ReadonlyMap<string, number> = new Map();

  constructor(options: GroupRunOptions, stop: AbortSignal, units: number) {
    const { task, sessionTimeoutMs } = options;
    this.#options = options;
    this.#stop = stop;
    this.#units = units;
    this.#places = task.inputs.flatMap((topic) =>
      Array.from({ length: units }, (_, partition) => ({ topic, partition })),
    );
    this.#membership = new GroupMembership({
      withCoordinator: (call) =>
        options.memberCluster.withCoordinator('group', task.group, `membership of group "${task.group}"`, call, {
          operation: 'membership',
          passes: REFUSALS,
        }),
      group: task.group,
      topics: task.inputs,
      units,
      sessionTimeoutMs,
      heartbeatIntervalMs: Math.max(100, Math.min(3_000, Math.floor(sessionTimeoutMs / 5))),
      rebalanceTimeoutMs: Math.max(60_000, sessionTimeoutMs),
      onAssigned: ({ units: assigned, lost }) => {
        this.#assign(assigned, lost);
      },
      onError: (error) => {
        this.#fail(error);
      },
    });
  }

  async execute(): Promise<void> {
    const { engine, run } = this.#options;
    const bounds = await engine.bounds(this.#places);
    this.#begins = new Map(
      Array.from(bounds, ([name, { endOffset }]) => [name, run.startAt === 'latest' ? endOffset : 0]),
    );
    const ends = new Map(Array.from(bounds, ([name, { endOffset }]) => [name, endOffset]));
    if (run.until === 'end') this.#limits = ends;
    else if (run.until !== undefined) this.#endAfter(run.until);
    this.#membership.start();
    try {
      await Promise.race([this.#untilDone(), aborted(this.#stop), aborted(this.#failure.signal)]);
    } finally {
      // After a failure what is in flight is dropped, after a stop it is finished and committed.
      for (const unit of this.#runs.values()) unit.wake();
      await Promise.allSettled(Array.from(this.#runs.values(), ({ ended }) => ended));
      await this.#membership.stop();
    }
    this.#failure.signal.throwIfAborted();
  }

  #fail(error: unknown): void {
    if (!this.#failure.signal.aborted) this.#failure.abort(error);
  }

  /** Whether the promise resolves or rejects is its owner's business; here it only marks the end. */
  #endAfter(until: Promise<unknown>): void {
    const settle = (): void => {
      this.#options.engine.bounds(this.#places).then(
        (bounds) => {
          this.#limits = new Map(Array.from(bounds, ([name, { endOffset }]) => [name, endOffset]));
          for (const unit of this.#runs.values()) unit.setLimits();
        },
        (error: unknown) => {
          this.#fail(error);
        },
      );
    };
    until.then(settle, settle);
  }

  #assign(assigned: readonly number[], lost: boolean): void {
    const { engine, task } = this.#options;
    if (this.#stop.aborted || this.#failure.signal.aborted) return;
    const wanted = new Set(assigned);
    for (const [unit, run] of this.#runs) {
      if (wanted.has(unit) || !run.isCurrent) continue;
      if (lost) run.drop();
      else run.giveUp(this.#options.revokeTimeoutMs);
      void run.released.then(() => {
        // A unit that was lost may have been assigned anew.
        if (this.#runs.get(unit) === run) this.#membership.released([unit]);
      });
    }
    this.#assigned = Math.max(1, assigned.length);
    for (const unit of assigned) if (this.#runs.get(unit)?.isCurrent !== true) this.#start(unit);
    engine.observer?.assigned?.(task.group, assigned.length * task.inputs.length);
  }

  #start(unit: number): void {
    const { engine, task, run } = this.#options;
    const before = this.#runs.get(unit);
    const started = new UnitRun({
      engine,
      task,
      run,
      unit,
      maxBytes: () => shareOfBytes(run, this.#assigned * task.inputs.length),
      limitOf: (place) => (this.#limits === undefined ? Infinity : (this.#limits.get(placeName(place)) ?? 0)),
      beginOf: (place) => this.#begins.get(placeName(place)) ?? 0,
      failure: this.#failure.signal,
      stop: this.#stop,
      isMember: () => this.#membership.isCurrent(),
      settleMembership: () => this.#membership.check(),
      after: before?.ended,
    });
    this.#runs.set(unit, started);
    started.ended.catch((error: unknown) => {
      this.#fail(error);
    });
  }

  async #untilDone(): Promise<void> {
    const { engine } = this.#options;
    const ending = AbortSignal.any([this.#stop, this.#failure.signal]);
    let lookedMs = performance.now();
    while (await waited(LOOK_MS, ending)) {
      try {
        if (await this.#isDone()) return;
        if (performance.now() - lookedMs < PARTITIONS_LOOK_MS) continue;
        lookedMs = performance.now();
        for (const topic of this.#options.task.inputs) {
          const now = await engine.cluster.retry(`topic "${topic}"`, () => engine.cluster.countPartitions(topic));
          if (now !== this.#units) throw partitionsChanged(topic, this.#units, now);
        }
      } catch (error) {
        this.#fail(error);
      }
    }
  }

  /** The group, not this member alone, has done all up to the limits. */
  async #isDone(): Promise<boolean> {
    const limits = this.#limits;
    if (limits === undefined) return false;
    for (const run of this.#runs.values()) if (run.isCurrent && !run.isDone) return false;
    const open = this.#places.filter((place) => this.#runs.get(place.partition)?.isDone !== true);
    const left = open.filter(
      (place) => (this.#begins.get(placeName(place)) ?? 0) < (limits.get(placeName(place)) ?? 0),
    );
    if (left.length === 0) return true;
    const committed = await this.#options.engine.committed(this.#options.task.group);
    return left.every((place) => (committed.get(placeName(place)) ?? 0) >= (limits.get(placeName(place)) ?? 0));
  }
}

/** False at once when the signal is aborted before the time is up. */
async function waited(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  await delay(milliseconds, undefined, { signal }).catch(() => undefined);
  return !signal.aborted;
}
