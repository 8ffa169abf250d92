import { hostname } from 'node:os';
import type { PipelineError } from '../../errors.ts';
import { ASSIGNMENT_PROTOCOL, encodeSubscription } from './group-envelopes.ts';
import type { GroupCoordinator, WithCoordinator } from './group-coordinator.ts';
import { planAssignments, unitsGiven } from './group-plan.ts';
import { toPipelineError } from './kafka-errors.ts';
import { outcomeOf } from './membership-outcome.ts';
import { SYSTEM_CLOCK, type Clock } from './system-clock.ts';
import { UnitHoldings } from './unit-holdings.ts';

export interface Assignment {
  /** -1 when `lost`. */
  readonly generation: number;
  /** All units of this member now, ascending. */
  readonly units: readonly number[];
  /**
   * The group threw this member out and may have given its units to others already: drop all work at once. Nothing has
   * to be given back by `released`. An assignment follows when it has joined anew.
   */
  readonly lost: boolean;
}

export interface GroupMembershipOptions {
  readonly withCoordinator: WithCoordinator;
  readonly group: string;
  /** Of each, a unit's owner has the partition of that number. */
  readonly topics: readonly string[];
  /** Partitions of each topic. */
  readonly units: number;
  /** Silence after which the coordinator takes a member for dead. */
  readonly sessionTimeoutMs: number;
  /** Also how soon a member learns of a rebalance. */
  readonly heartbeatIntervalMs: number;
  /** How long the coordinator waits for members to join again. They do so at once, whatever work goes on. */
  readonly rebalanceTimeoutMs: number;
  /** After each rebalance, also when nothing changed. Work on units that stay need not stop. */
  readonly onAssigned: (assignment: Assignment) => void;
  /** Membership has ended: at most one call, and no assignment after it. `stop` is still to be called. */
  readonly onError: (error: PipelineError) => void;
  readonly clock?: Clock;
}

const CHECK_TIMEOUT_MS = 5_000;
const STOP_TIMEOUT_MS = 2_000;

/**
 * One member of a consumer group (Kafka's classic group protocol), which shares out partitions cooperatively: see
 * assigner.ts. Units that an assignment does not name any more are still this member's until `released` was told so.
 */
export class GroupMembership {
  readonly #options: GroupMembershipOptions;
  readonly #clock: Clock;
  #memberId = '';
  readonly #holdings = new UnitHoldings();
  #joinDue = true;
  /** When the last request was sent that the coordinator answered as to a member. */
  #aliveAtMs = -Infinity;
  readonly #checks: (() => void)[] = [];
  #wake: () => void = () => undefined;
  #ended = false;
  #life: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  constructor(options: GroupMembershipOptions) {
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
  }

  /** Joins the group and stays in it until `stop` or an error. Called once. */
  start(): void {
    this.#life = this.#live().catch((error: unknown) => {
      if (this.#ended) return;
      this.#end();
      this.#options.onError(toPipelineError(error, `consumer group "${this.#options.group}"`));
    });
  }

  /** The work on these units, which the assignment does not name any more, is over: others may have them. */
  released(units: readonly number[]): void {
    this.#holdings.released(units);
    this.#wake();
  }

  /**
   * Whether the coordinator can't have given our units away yet: it heard of us less than a session timeout ago. False
   * while a rebalance takes longer than that.
   */
  isCurrent(): boolean {
    const ageMs = this.#clock.now() - this.#aliveAtMs;
    // A clock that was set back says nothing.
    return ageMs >= 0 && ageMs < this.#options.sessionTimeoutMs;
  }

  /**
   * Asks the coordinator now whether we still are a member. Resolves when that is known and any rebalance it reported is
   * over (`onAssigned` was called), when membership ends, or after 5 s; never rejects.
   */
  check(): Promise<void> {
    if (this.#ended) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#clock.after(CHECK_TIMEOUT_MS, resolve);
      this.#checks.push(() => {
        cancel();
        resolve();
      });
      this.#wake();
    });
  }

  /**
   * Leaves the group, so that others get its units at once and not after the session timeout: all work on them must be
   * over. Takes at most 2 s; no callbacks from the call on. Never rejects.
   */
  stop(): Promise<void> {
    this.#end();
    this.#stopped ??= new Promise((resolve) => {
      const cancel = this.#clock.after(STOP_TIMEOUT_MS, resolve);
      void this.#leave().then(() => {
        cancel();
        resolve();
      });
    });
    return this.#stopped;
  }

  async #leave(): Promise<void> {
    const { withCoordinator, group } = this.#options;
    // A member that is just being let in has no id to leave with yet.
    if (this.#memberId === '') await this.#life;
    const memberId = this.#memberId;
    if (memberId === '') return;
    // A member that can't say goodbye is missed after the session timeout.
    await withCoordinator((coordinator) => coordinator.leaveGroup({ groupId: group, memberId })).catch(() => undefined);
  }

  #end(): void {
    this.#ended = true;
    this.#settleChecks();
    this.#wake();
  }

  #settleChecks(): void {
    for (const settle of this.#checks.splice(0)) settle();
  }

  /** One request at a time, so that answers are never about another generation than we think. */
  async #live(): Promise<void> {
    while (!this.#ended) {
      if (this.#joinDue || this.#holdings.rejoinDue) await this.#join();
      else if (this.#checks.length > 0 || (await this.#pause())) await this.#heartbeat();
    }
  }

  /** True after a heartbeat interval, false when woken before. */
  #pause(): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(this.#options.heartbeatIntervalMs, () => {
        resolve(true);
      });
      this.#wake = () => {
        cancel();
        resolve(false);
      };
    });
  }

  async #heartbeat(): Promise<void> {
    // Those that ask from now on ask for the next one; all of them wait for the rebalance where there is one.
    const asking = this.#checks.length;
    const groupId = this.#options.group;
    const { generation: groupGenerationId } = this.#holdings;
    const outcome = await this.#ask((coordinator) =>
      coordinator.heartbeat({ groupId, groupGenerationId, memberId: this.#memberId }),
    );
    if (outcome !== undefined) for (const settle of this.#checks.splice(0, asking)) settle();
  }

  async #join(): Promise<void> {
    const { group: groupId, topics, units, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options;
    const metadata = encodeSubscription(topics, this.#holdings.claim(), { pid: process.pid, host: hostname() });
    const joined = await this.#ask((coordinator) =>
      coordinator.joinGroup({
        groupId,
        sessionTimeout: sessionTimeoutMs,
        rebalanceTimeout: rebalanceTimeoutMs,
        memberId: this.#memberId,
        protocolType: 'consumer',
        groupProtocols: [{ name: ASSIGNMENT_PROTOCOL, metadata }],
      }),
    );
    if (joined === undefined) return;
    const { generationId, memberId, leaderId, members } = joined.answer;
    this.#memberId = memberId;
    if (this.#ended) return;
    const groupAssignment = leaderId === memberId ? planAssignments(members, topics, units) : [];
    const synced = await this.#ask((coordinator) =>
      coordinator.syncGroup({ groupId, generationId, memberId, groupAssignment }),
    );
    // Frozen meanwhile: what was assigned then may be another's by now. Joining again tells.
    if (synced === undefined || !this.isCurrent()) return;
    this.#holdings.assign(generationId, unitsGiven(synced.answer.memberAssignment, groupId, topics));
    this.#joinDue = false;
    this.#tell(false);
  }

  /** The answer; undefined when the coordinator told us to join (again), which is then due. */
  async #ask<Answer>(
    request: (coordinator: GroupCoordinator) => Promise<Answer>,
  ): Promise<{ readonly answer: Answer } | undefined> {
    const sentAtMs = this.#clock.now();
    const outcome = await this.#options.withCoordinator((coordinator) => outcomeOf(request(coordinator)));
    if ('answer' in outcome) {
      this.#aliveAtMs = sentAtMs;
      return outcome;
    }
    this.#joinDue = true;
    if (outcome.told === 'rebalance') this.#aliveAtMs = sentAtMs;
    else this.#lose(outcome.told);
    return undefined;
  }

  #lose(told: 'unknown' | 'outdated'): void {
    if (told === 'unknown') this.#memberId = '';
    this.#holdings.lose();
    this.#aliveAtMs = -Infinity;
    this.#tell(true);
  }

  #tell(lost: boolean): void {
    const { generation, owned: units } = this.#holdings;
    if (!this.#ended) this.#options.onAssigned({ generation, units, lost });
    this.#settleChecks();
  }
}
