import { setTimeout as delay } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import type { AclOperationTypes as Operation, AclResourceTypes as Resource, Admin } from 'kafkajs';
import { securedKafka } from '../services/index.ts';
import type { Campaign } from './campaign-options.ts';
import { Pipeline } from './pipeline.ts';
import { MODEL, Place } from './place.ts';
import { Random } from './random.ts';

// Node finds no names in it that only its types have as enums.
const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, Kafka, logLevel, ResourcePatternTypes } = kafkajs;

const ROWS = 300;
/** The log waits 30 seconds for a right to come back; the rest is for the command around it. */
const STOPS_WITHIN_MS = 90_000;
const POLL_MS = 100;
const PARTITIONS = 2;

interface Right {
  readonly name: string;
  readonly type: Resource;
  readonly operation: Operation;
  readonly resources: (namespace: string) => readonly string[];
  /** Who needs it. */
  readonly of: 'processor' | 'sink';
}

const TRANSACTIONS = (group: string, topic: string): string[] =>
  Array.from({ length: PARTITIONS }, (_, partition) => `${group}-${topic}-${partition}`);

const RIGHTS: readonly Right[] = [
  {
    name: 'to be in the group',
    type: AclResourceTypes.GROUP,
    operation: AclOperationTypes.READ,
    resources: (ns) => [`${ns}.processor.${MODEL}`],
    of: 'processor',
  },
  {
    name: 'to use the transactional ids',
    type: AclResourceTypes.TRANSACTIONAL_ID,
    operation: AclOperationTypes.WRITE,
    resources: (ns) => TRANSACTIONS(`${ns}.processor.${MODEL}`, `${ns}.records`),
    of: 'processor',
  },
  {
    name: 'to write to the embeddings',
    type: AclResourceTypes.TOPIC,
    operation: AclOperationTypes.WRITE,
    resources: (ns) => [`${ns}.embeddings.${MODEL}`],
    of: 'processor',
  },
  {
    name: 'to read the records',
    type: AclResourceTypes.TOPIC,
    operation: AclOperationTypes.READ,
    resources: (ns) => [`${ns}.records`],
    of: 'processor',
  },
  {
    name: 'to read the embeddings',
    type: AclResourceTypes.TOPIC,
    operation: AclOperationTypes.READ,
    resources: (ns) => [`${ns}.embeddings.${MODEL}`],
    of: 'sink',
  },
];

/**
 * A right is taken away from a running processor or sink: it waits, then stops with exit code 1 and says so, nothing
 * becomes a dead letter; with the right given back, a restart completes. Each right in a namespace of its own, `rounds`
 * of them at the same time: nearly all of it is waiting.
 */
export const authorisation: Campaign = async ({ rounds, seed, say }) => {
  const server = await securedKafka();
  const admin = new Kafka({ brokers: server.adminBrokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const environment = {
    EMBEDSTREAM_PARTITIONS: String(PARTITIONS),
    KAFKA_TLS_CA: server.certificates.caFile,
    KAFKA_SASL_MECHANISM: 'scram-sha-512',
    KAFKA_SASL_USERNAME: server.user.username,
    KAFKA_SASL_PASSWORD: server.user.password,
  };
  try {
    const rights = RIGHTS.slice(0, rounds);
    const results = await Promise.allSettled(
      rights.map(async (right, index) => {
        const place = new Place({ brokers: server.saslBrokers, environment, say });
        try {
          return await takeAway(
            right,
            place,
            admin,
            server.user.username,
            new Random(seed + index),
            server.adminBrokers,
          );
        } catch (error) {
          throw new Error(`without the right ${right.name}`, { cause: error });
        } finally {
          await place.dispose();
        }
      }),
    );
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    const totals = results.map((result) => (result.status === 'fulfilled' ? result.value : 0));
    return { rights: rights.length, records: totals.reduce((sum, each) => sum + each, 0) };
  } finally {
    await admin.disconnect();
  }
};

/** Answers with the number of records. */
async function takeAway(
  right: Right,
  place: Place,
  admin: Admin,
  user: string,
  random: Random,
  adminBrokers: readonly string[],
): Promise<number> {
  const { say } = place;
  const pipeline = new Pipeline(place, random, { processors: 1, parquet: 1, npy: 1 });
  await pipeline.produceWave(ROWS);
  const [victim] = right.of === 'processor' ? pipeline.processors : pipeline.sinks;
  if (victim === undefined) throw new Error('There is nobody to take a right from');
  const entries = right.resources(place.namespace).flatMap((resourceName) =>
    // A resource with entries is closed to who has none.
    [
      { operation: AclOperationTypes.ALL, permissionType: AclPermissionTypes.ALLOW },
      { operation: right.operation, permissionType: AclPermissionTypes.DENY },
    ].map((entry) => ({
      ...entry,
      resourceType: right.type,
      resourceName,
      resourcePatternType: ResourcePatternTypes.LITERAL,
      principal: `User:${user}`,
      host: '*',
    })),
  );
  await admin.createAcls({ acl: entries });
  say(`taken away: ${right.name}`);
  const takenMs = performance.now();
  try {
    await pipeline.produceWave(ROWS);
    while (victim.unasked.length === 0) {
      if (performance.now() - takenMs > STOPS_WITHIN_MS) throw new Error(`${victim.name} goes on without the right`);
      await delay(POLL_MS);
    }
  } finally {
    await admin.deleteAcls({ filters: entries });
  }
  const [exit] = victim.unasked;
  say(`${victim.name} ended after ${Math.round((performance.now() - takenMs) / 1000)} s: ${exit?.stderr ?? ''}`);
  if (exit?.code !== 1) throw new Error(`It ended with ${exit?.code ?? 'a signal'}`);
  if (!exit.stderr.includes(`user "${user}" may not do this`))
    throw new Error(`It does not say that the right is missing: ${exit.stderr}`);
  const { records } = await pipeline.settle({ brokers: adminBrokers });
  return records;
}
