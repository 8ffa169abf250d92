import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import type { PipelineError } from '../../../src/errors.ts';
import type { KafkaCluster } from '../../../src/log/kafka/kafka-cluster.ts';
import { GroupMembership, type Assignment } from '../../../src/log/kafka/membership.ts';
import { describeWithService, kafkaBrokers, restartableKafka } from '../../services/index.ts';
import { kafkaJava } from '../../services/kafka/distribution.ts';
import { connectedCluster } from './cluster.ts';

const SESSION_TIMEOUT_MS = 6_000;
const UNITS = 6;

let brokers: string[];
const topic = `membership-${randomUUID()}`;
const clusters: KafkaCluster[] = [];
const memberships: GroupMembership[] = [];

interface BrokerMember {
  readonly membership: GroupMembership;
  readonly assignments: Assignment[];
  readonly errors: PipelineError[];
  /** As SIGSTOP for the time that it takes the promise to settle. */
  hold(until: Promise<void>): void;
}

async function member(group: string, clientId: string, sessionTimeoutMs = SESSION_TIMEOUT_MS): Promise<BrokerMember> {
  const cluster = await connectedCluster(brokers, clientId);
  clusters.push(cluster);
  const assignments: Assignment[] = [];
  const errors: PipelineError[] = [];
  let held = Promise.resolve();
  const membership = new GroupMembership({
    withCoordinator: async (call) => {
      await held;
      return cluster.withCoordinator('group', group, `membership of group "${group}"`, call);
    },
    group,
    topics: [topic],
    units: UNITS,
    sessionTimeoutMs,
    heartbeatIntervalMs: 200,
    rebalanceTimeoutMs: 20_000,
    onAssigned: (assignment) => {
      const before = assignments.at(-1)?.units ?? [];
      assignments.push(assignment);
      membership.released(before.filter((unit) => !assignment.units.includes(unit)));
    },
    onError: (error) => errors.push(error),
  });
  memberships.push(membership);
  membership.start();
  return {
    membership,
    assignments,
    errors,
    hold: (until) => {
      held = until;
    },
  };
}

function unitsOf(members: readonly BrokerMember[]): (readonly number[])[] {
  return members.map(({ assignments }) => assignments.at(-1)?.units ?? []);
}

/** Waits until all units are shared out among these members evenly. */
async function shared(members: readonly BrokerMember[]): Promise<void> {
  await vi.waitFor(
    () => {
      const units = unitsOf(members);
      expect(units.flat().sort()).toEqual([0, 1, 2, 3, 4, 5]);
      expect(new Set(units.map((own) => own.length)).size).toBe(1);
    },
    { timeout: 20_000, interval: 20 },
  );
}

async function createTopic(on: string[]): Promise<void> {
  brokers = on;
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: UNITS }], waitForLeaders: true });
  await admin.disconnect();
}

async function leaveAll(): Promise<void> {
  await Promise.all(memberships.splice(0).map((membership) => membership.stop()));
  await Promise.all(clusters.splice(0).map((cluster) => cluster.close()));
}

describeWithService('kafka', 'GroupMembership on a broker', () => {
  beforeAll(async () => {
    await createTopic(await kafkaBrokers());
  });
  afterEach(leaveAll);

  it('shares units out as members come and go, and takes nothing away that stays', async () => {
    const group = `group-${randomUUID()}`;
    const a = await member(group, 'a');
    await shared([a]);
    const b = await member(group, 'b');
    const c = await member(group, 'c');
    await shared([a, b, c]);
    for (const { units, lost } of a.assignments) {
      expect(lost).toBe(false);
      expect(units).toEqual(expect.arrayContaining([0, 1]));
    }
    await a.membership.stop();
    await shared([b, c]);
    expect([...b.assignments, ...c.assignments].some(({ lost }) => lost)).toBe(false);
    expect(b.membership.isCurrent()).toBe(true);
  });

  it('tells a member that was silent for longer than the session that all is lost', async () => {
    const group = `group-${randomUUID()}`;
    const [a, b] = await Promise.all([member(group, 'a'), member(group, 'b')]);
    await shared([a, b]);
    const { promise, resolve } = Promise.withResolvers<undefined>();
    b.hold(promise.then(() => undefined));
    await shared([a]);
    expect(b.membership.isCurrent()).toBe(false);
    const before = b.assignments.length;
    resolve(undefined);
    await b.membership.check();
    expect(b.assignments[before]).toEqual({ generation: -1, units: [], lost: true });
    await shared([a, b]);
  });

  it('is told of a session timeout that the broker does not allow', async () => {
    const a = await member(`group-${randomUUID()}`, 'a', 10);
    await vi.waitFor(() => {
      expect(a.errors).toMatchObject([{ code: 'LOG_REFUSED' }]);
    }, 20_000);
    expect(a.errors[0]?.message).toContain('group.min.session.timeout.ms');
  });

  it('is told of members that share out partitions in another way', async () => {
    const group = `group-${randomUUID()}`;
    const other = new Kafka({ brokers, logLevel: logLevel.NOTHING }).consumer({ groupId: group });
    const joined = new Promise((resolve) => other.on('consumer.group_join', resolve));
    try {
      await other.connect();
      await other.subscribe({ topic });
      await other.run({ eachBatch: () => Promise.resolve() });
      await joined;
      const a = await member(group, 'a');
      await vi.waitFor(() => {
        expect(a.errors).toMatchObject([{ code: 'LOG_REFUSED' }]);
      }, 20_000);
      expect(a.errors[0]?.message).toContain('INCONSISTENT_GROUP_PROTOCOL');
    } finally {
      await other.disconnect();
    }
  });
});

describeWithService('own-kafka', 'GroupMembership through the restart of a broker', () => {
  // Two starts of a broker: minutes on a machine that is busy.
  it('keeps its units when the broker is killed and comes back', { timeout: 180_000 }, async () => {
    const server = await restartableKafka();
    try {
      await createTopic(server.address);
      const group = `group-${randomUUID()}`;
      const [a, b] = await Promise.all([member(group, 'a'), member(group, 'b')]);
      await shared([a, b]);
      const before = unitsOf([a, b]);
      await server.kill();
      await server.start();
      await Promise.all([a.membership.check(), b.membership.check()]);
      await vi.waitFor(() => {
        expect([a, b].map(({ membership }) => membership.isCurrent())).toEqual([true, true]);
      }, 20_000);
      await shared([a, b]);
      expect(unitsOf([a, b])).toEqual(before);
      expect([...a.assignments, ...b.assignments].some(({ lost }) => lost)).toBe(false);
      expect([a.errors, b.errors]).toEqual([[], []]);
    } finally {
      await leaveAll();
      await server.remove();
    }
  });
});

describeWithService('own-kafka', 'GroupMembership as kafka-consumer-groups shows it', () => {
  beforeAll(async () => {
    await createTopic(await kafkaBrokers());
  });
  afterAll(leaveAll);

  it('shows members, the protocol and who has which partitions', async () => {
    const group = `group-${randomUUID()}`;
    const members = await Promise.all([member(group, 'first'), member(group, 'second'), member(group, 'third')]);
    await shared(members);
    const shown = await describeGroup(group, '--members', '--verbose');
    for (const [index, clientId] of ['first', 'second', 'third'].entries()) {
      const line = shown.split('\n').find((each) => each.includes(` ${clientId} `));
      expect(line).toContain(`${topic}:${unitsOf(members)[index]!.join(',')} `);
    }
    expect(await describeGroup(group, '--state')).toMatch(/embedstream-cooperative-1 +Stable +3/);
  });
});

async function describeGroup(group: string, ...flags: string[]): Promise<string> {
  const { command, args } = await kafkaJava();
  const tool = 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand';
  const asked = ['--bootstrap-server', brokers.join(','), '--describe', '--group', group, ...flags];
  const { stdout } = await promisify(execFile)(command, [...args, tool, ...asked]);
  return stdout;
}
