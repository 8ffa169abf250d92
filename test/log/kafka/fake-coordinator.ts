import type { GroupCoordinator } from '../../../src/log/kafka/group-coordinator.ts';
import type { Clock } from '../../../src/log/kafka/system-clock.ts';

type Join = Parameters<GroupCoordinator['joinGroup']>[0];
type Joined = Awaited<ReturnType<GroupCoordinator['joinGroup']>>;
type Sync = Parameters<GroupCoordinator['syncGroup']>[0];
type Synced = Awaited<ReturnType<GroupCoordinator['syncGroup']>>;

export class ProtocolError extends Error {
  readonly type: string;

  constructor(type: string) {
    super(type);
    this.type = type;
  }
}

interface Waiting<T> {
  resolve(answer: T): void;
  reject(error: Error): void;
}

interface Member {
  readonly id: string;
  protocol: { name: string; metadata: Buffer };
  sessionTimeoutMs: number;
  rebalanceTimeoutMs: number;
  joining?: Waiting<Joined> | undefined;
  syncing?: Waiting<Synced> | undefined;
  assignment: Buffer;
  cancelExpiry: () => void;
}

/**
 * One consumer group as a broker keeps it, in memory. The rules are those of Kafka's GroupMetadataManager for classic
 * groups without static members: https://github.com/apache/kafka, group-coordinator. A new member gets its id at once, as
 * kafkajs' Broker makes of MEMBER_ID_REQUIRED.
 */
export class FakeCoordinator implements GroupCoordinator {
  generation = 0;
  state: 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' = 'Empty';
  leaderId: string | undefined;
  readonly members = new Map<string, Member>();
  readonly #clock: Clock;
  #lastId = 0;
  #cancelRebalance: () => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  joinGroup(request: Join): Promise<Joined> {
    const protocol = request.groupProtocols[0]!;
    const others = [...this.members.values()].filter(({ id }) => id !== request.memberId);
    if (others.some((other) => other.protocol.name !== protocol.name)) return refuse('INCONSISTENT_GROUP_PROTOCOL');
    const known = this.members.get(request.memberId);
    if (known === undefined && request.memberId !== '') return refuse('UNKNOWN_MEMBER_ID');
    const member = known ?? this.#admit(request, protocol);
    const isUnchanged = known !== undefined && protocol.metadata.equals(known.protocol.metadata);
    const mayStay = this.state === 'CompletingRebalance' || (this.state === 'Stable' && member.id !== this.leaderId);
    if (isUnchanged && mayStay) {
      this.#hear(member);
      return Promise.resolve(this.#joined(member));
    }
    member.protocol = protocol;
    return new Promise((resolve, reject) => {
      member.cancelExpiry();
      member.joining = { resolve, reject };
      this.#prepareRebalance();
    });
  }

  syncGroup({ memberId, generationId, groupAssignment }: Sync): Promise<Synced> {
    const member = this.members.get(memberId);
    if (member === undefined) return refuse('UNKNOWN_MEMBER_ID');
    if (generationId !== this.generation) return refuse('ILLEGAL_GENERATION');
    if (this.state === 'PreparingRebalance') return refuse('REBALANCE_IN_PROGRESS');
    this.#hear(member);
    if (this.state === 'Stable') return Promise.resolve({ memberAssignment: member.assignment });
    return new Promise((resolve, reject) => {
      member.cancelExpiry();
      member.syncing = { resolve, reject };
      if (memberId === this.leaderId) this.#stabilise(groupAssignment);
    });
  }

  heartbeat({ memberId, groupGenerationId }: { memberId: string; groupGenerationId: number }): Promise<unknown> {
    const member = this.members.get(memberId);
    if (member === undefined) return refuse('UNKNOWN_MEMBER_ID');
    if (groupGenerationId !== this.generation) return refuse('ILLEGAL_GENERATION');
    if (member.joining === undefined && member.syncing === undefined) this.#hear(member);
    return this.state === 'PreparingRebalance' ? refuse('REBALANCE_IN_PROGRESS') : Promise.resolve(undefined);
  }

  leaveGroup({ memberId }: { memberId: string }): Promise<unknown> {
    const member = this.members.get(memberId);
    if (member === undefined) return refuse('UNKNOWN_MEMBER_ID');
    this.#remove(member);
    return Promise.resolve(undefined);
  }

  #admit(request: Join, protocol: Member['protocol']): Member {
    const member: Member = {
      id: `member-${String(++this.#lastId).padStart(3, '0')}`,
      protocol,
      sessionTimeoutMs: request.sessionTimeout,
      rebalanceTimeoutMs: request.rebalanceTimeout,
      assignment: Buffer.alloc(0),
      cancelExpiry: () => undefined,
    };
    this.members.set(member.id, member);
    return member;
  }

  /** Starts the member's session anew. */
  #hear(member: Member): void {
    member.cancelExpiry();
    member.cancelExpiry = this.#clock.after(member.sessionTimeoutMs, () => {
      this.#remove(member);
    });
  }

  #remove(member: Member): void {
    member.cancelExpiry();
    this.members.delete(member.id);
    if (this.leaderId === member.id) this.leaderId = undefined;
    member.joining?.reject(new ProtocolError('UNKNOWN_MEMBER_ID'));
    member.syncing?.reject(new ProtocolError('UNKNOWN_MEMBER_ID'));
    this.#prepareRebalance();
  }

  #prepareRebalance(): void {
    if (this.state !== 'PreparingRebalance') {
      this.#cancelRebalance();
      this.state = 'PreparingRebalance';
      for (const member of this.members.values()) {
        if (member.syncing === undefined) continue;
        member.syncing.reject(new ProtocolError('REBALANCE_IN_PROGRESS'));
        member.syncing = undefined;
        this.#hear(member);
      }
      const waitMs = Math.max(0, ...[...this.members.values()].map(({ rebalanceTimeoutMs }) => rebalanceTimeoutMs));
      this.#cancelRebalance = this.#clock.after(waitMs, () => {
        this.#completeJoin();
      });
    }
    if ([...this.members.values()].every(({ joining }) => joining !== undefined)) this.#completeJoin();
  }

  #completeJoin(): void {
    this.#cancelRebalance();
    for (const member of [...this.members.values()].filter(({ joining }) => joining === undefined)) {
      member.cancelExpiry();
      this.members.delete(member.id);
    }
    this.generation++;
    const [first] = this.members.keys();
    this.state = first === undefined ? 'Empty' : 'CompletingRebalance';
    if (first === undefined) return;
    if (this.leaderId === undefined || !this.members.has(this.leaderId)) this.leaderId = first;
    for (const member of this.members.values()) {
      const { joining } = member;
      member.joining = undefined;
      member.assignment = Buffer.alloc(0);
      this.#hear(member);
      joining?.resolve(this.#joined(member));
    }
    const waitMs = Math.max(...[...this.members.values()].map(({ rebalanceTimeoutMs }) => rebalanceTimeoutMs));
    this.#cancelRebalance = this.#clock.after(waitMs, () => {
      for (const member of [...this.members.values()].filter(({ syncing }) => syncing === undefined))
        this.#remove(member);
    });
  }

  #joined(member: Member): Joined {
    const leaderId = this.leaderId!;
    const members = [...this.members.values()].map(({ id, protocol }) => ({
      memberId: id,
      memberMetadata: protocol.metadata,
    }));
    return {
      generationId: this.generation,
      leaderId,
      memberId: member.id,
      members: member.id === leaderId ? members : [],
    };
  }

  #stabilise(assignments: Sync['groupAssignment']): void {
    this.#cancelRebalance();
    this.state = 'Stable';
    for (const { memberId, memberAssignment } of assignments) {
      const member = this.members.get(memberId);
      if (member !== undefined) member.assignment = memberAssignment;
    }
    for (const member of this.members.values()) {
      const { syncing } = member;
      if (syncing === undefined) continue;
      member.syncing = undefined;
      this.#hear(member);
      syncing.resolve({ memberAssignment: member.assignment });
    }
  }
}

function refuse(type: string): Promise<never> {
  return Promise.reject(new ProtocolError(type));
}
