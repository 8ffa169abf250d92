import type { PipelineError } from '../../errors.ts';
import { ASSIGNMENT_PROTOCOL, encodeSubscription } from './group-envelopes.ts';
import type { WithCoordinator } from './group-coordinator.ts';
import { planAssignments, unitsGiven } from './group-plan.ts';
import { membershipError, protocolErrorOf } from './membership-errors.ts';
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
      this.#options.onError(membershipError(error, this.#options.group, this.#options.sessionTimeoutMs));
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
      if (this.#joinDue || this.#holdings.rejoinDue) await this.#orRejoin(() => this.#join());
      else if (this.#checks.length > 0) await this.#orRejoin(() => this.#heartbeat());
      else if (await this.#pause()) await this.#orRejoin(() => this.#heartbeat());
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

  async #orRejoin(request: () => Promise<void>): Promise<void> {
    const sentAtMs = this.#clock.now();
    try {
      await request();
    } catch (error) {
      if (this.#ended) return;
      this.#joinDue = true;
      switch (protocolErrorOf(error)) {
        case 'REBALANCE_IN_PROGRESS':
          this.#aliveAtMs = sentAtMs;
          return;
        case 'UNKNOWN_MEMBER_ID':
        case 'FENCED_INSTANCE_ID':
          this.#memberId = '';
          this.#lose();
          return;
        case 'ILLEGAL_GENERATION':
          // The group went on without us, but still knows this id: a new one would leave this one behind as a ghost.
          this.#lose();
          return;
        case undefined:
        default:
          throw error;
      }
    }
  }

  async #heartbeat(): Promise<void> {
    const { withCoordinator, group: groupId } = this.#options;
    // Those that ask from now on ask for the next one; all of them wait for the rebalance where this one fails.
    const asking = this.#checks.length;
    const sentAtMs = this.#clock.now();
    await withCoordinator((coordinator) =>
      coordinator.heartbeat({ groupId, groupGenerationId: this.#holdings.generation, memberId: this.#memberId }),
    );
    this.#aliveAtMs = sentAtMs;
    for (const settle of this.#checks.splice(0, asking)) settle();
  }

  async #join(): Promise<void> {
    const { withCoordinator, group: groupId, topics, units, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options;
    const metadata = encodeSubscription(topics, this.#holdings.claim());
    const joined = await withCoordinator((coordinator) =>
      coordinator.joinGroup({
        groupId,
        sessionTimeout: sessionTimeoutMs,
        rebalanceTimeout: rebalanceTimeoutMs,
        memberId: this.#memberId,
        protocolType: 'consumer',
        groupProtocols: [{ name: ASSIGNMENT_PROTOCOL, metadata }],
      }),
    );
    this.#memberId = joined.memberId;
    if (this.#ended) return;
    const groupAssignment = joined.leaderId === joined.memberId ? planAssignments(joined.members, topics, units) : [];
    const sentAtMs = this.#clock.now();
    const { generationId: generation, memberId } = joined;
    const { memberAssignment } = await withCoordinator((coordinator) =>
      coordinator.syncGroup({ groupId, generationId: generation, memberId, groupAssignment }),
    );
    this.#aliveAtMs = sentAtMs;
    // Frozen meanwhile: what was assigned then may be another's by now. Joining again tells.
    if (!this.isCurrent()) return;
    this.#holdings.assign(generation, unitsGiven(memberAssignment, groupId, topics));
    this.#joinDue = false;
    this.#tell(false);
  }

  #lose(): void {
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
