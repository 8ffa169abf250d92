import type { GroupCoordinator, WithCoordinator } from '../../../src/log/kafka/group-coordinator.ts';
import { GroupMembership, type Assignment } from '../../../src/log/kafka/membership.ts';
import type { PipelineError } from '../../../src/errors.ts';
import { FakeCoordinator } from './fake-coordinator.ts';
import { ManualClock } from './manual-clock.ts';

export const SESSION_MS = 10_000;
export const HEARTBEAT_MS = 3_000;
export const REBALANCE_MS = 15_000;

export interface MemberOptions {
  readonly topics?: readonly string[];
  /** How long this member's work on a unit goes on after the unit was taken from it. Default 0: at once. */
  readonly releaseAfterMs?: number;
}

/** A group of a fake coordinator, on a clock that tests move. */
export class TestGroup {
  readonly clock = new ManualClock();
  readonly coordinator = new FakeCoordinator(this.clock);
  readonly members: TestMember[] = [];
  readonly units: number;

  constructor(units: number) {
    this.units = units;
  }

  join(options: MemberOptions = {}): TestMember {
    const member = new TestMember(this, options);
    this.members.push(member);
    member.membership.start();
    return member;
  }

  /** Long enough for any rebalance and the release that follows it. */
  async settle(): Promise<void> {
    await this.clock.advance(5 * HEARTBEAT_MS);
  }

  get held(): readonly (readonly number[])[] {
    return this.members.map((member) => member.held);
  }
}

/** A member with an owner that holds its units until it has released them. */
export class TestMember {
  readonly membership: GroupMembership;
  readonly assignments: Assignment[] = [];
  readonly errors: PipelineError[] = [];
  readonly requests: string[] = [];
  /** By the coordinator's latest answer to a join. */
  memberId = '';
  /** Answers of the coordinator that get lost from now on: the request is sent again. */
  answersToLose = 0;
  readonly #group: TestGroup;
  readonly #held = new Map<number, { isReleasing: boolean }>();
  #isFrozen = false;
  readonly #toDoWhenThawed: (() => void)[] = [];

  constructor(group: TestGroup, { topics = ['records'], releaseAfterMs = 0 }: MemberOptions) {
    this.#group = group;
    this.membership = new GroupMembership({
      withCoordinator: this.#withCoordinator,
      group: 'test',
      topics,
      units: group.units,
      sessionTimeoutMs: SESSION_MS,
      heartbeatIntervalMs: HEARTBEAT_MS,
      rebalanceTimeoutMs: REBALANCE_MS,
      onAssigned: (assignment) => {
        this.assignments.push(assignment);
        this.#take(assignment, releaseAfterMs);
      },
      onError: (error) => this.errors.push(error),
      clock: group.clock,
    });
  }

  /** Units that it works on: its own and those that it has not released. */
  get held(): readonly number[] {
    return [...this.#held.keys()].sort((a, b) => a - b);
  }

  get isKnown(): boolean {
    return this.#group.coordinator.members.has(this.memberId);
  }

  /** As SIGSTOP: nothing is sent, and no answer is seen. */
  freeze(): void {
    this.#isFrozen = true;
  }

  thaw(): void {
    this.#isFrozen = false;
    for (const resolve of this.#toDoWhenThawed.splice(0)) resolve();
  }

  async #thawed(): Promise<void> {
    while (this.#isFrozen) await new Promise<void>((resolve) => this.#toDoWhenThawed.push(resolve));
  }

  #take({ units, lost }: Assignment, releaseAfterMs: number): void {
    if (lost) this.#held.clear();
    const gone = [...this.#held].filter(([unit, work]) => !units.includes(unit) && !work.isReleasing);
    for (const [, work] of gone) work.isReleasing = true;
    for (const unit of units) if (!this.#held.has(unit)) this.#held.set(unit, { isReleasing: false });
    const release = () => {
      // Work that was dropped since is not released once more.
      const released = gone.filter(([unit, work]) => this.#held.get(unit) === work).map(([unit]) => unit);
      for (const unit of released) this.#held.delete(unit);
      this.membership.released(released);
    };
    if (gone.length === 0) return;
    if (releaseAfterMs === 0) release();
    else this.#group.clock.after(releaseAfterMs, () => void this.#thawed().then(release));
  }

  readonly #withCoordinator: WithCoordinator = async (call) => {
    await this.#thawed();
    for (; this.answersToLose > 0; this.answersToLose--) call(this.#coordinator).catch(() => undefined);
    const answer = await call(this.#coordinator);
    await this.#thawed();
    return answer;
  };

  readonly #coordinator: GroupCoordinator = {
    joinGroup: async (request) => {
      this.requests.push('join');
      const joined = await this.#group.coordinator.joinGroup(request);
      this.memberId = joined.memberId;
      return joined;
    },
    syncGroup: (request) => {
      this.requests.push('sync');
      return this.#group.coordinator.syncGroup(request);
    },
    heartbeat: (request) => {
      this.requests.push('heartbeat');
      return this.#group.coordinator.heartbeat(request);
    },
    leaveGroup: (request) => {
      this.requests.push('leave');
      return this.#group.coordinator.leaveGroup(request);
    },
  };
}
