import { setTimeout as delay } from 'node:timers/promises';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { kafkaBrokers } from '../services/index.ts';
import type { Campaign } from './campaign-options.ts';
import { grown } from './growth.ts';
import { Pipeline } from './pipeline.ts';
import { MODEL, Place, SESSION_TIMEOUT_MS } from './place.ts';
import { Random } from './random.ts';
import type { SupervisedProcess } from './supervised-process.ts';

const ROWS_A_WAVE = 400;
/** A wave begins within this time. */
const BUSY_WITHIN_MS = 8_000;
/** How long after what it reads has grown a member is disturbed: in the middle of its work. */
const INTO_WORK_MS = 150;
/** How often a run of `produce` is killed. */
const PRODUCE_KILL_SHARE = 0.6;
/** A round in so many also has records that can't be decoded. */
const POISON_EVERY = 4;
const POISON = 3;
const ACTIONS = ['crash', 'freeze', 'join', 'crash', 'leave'] as const;
/** What is done in a round, one after the other. */
const ACTIONS_A_ROUND = 2;

/**
 * Processors, sinks and sources side by side: members are killed, frozen for longer than their session, leave and join,
 * while rows come, change and go. Everything must be there exactly once.
 */
export const members: Campaign = async ({ rounds, seed, say }) => {
  const random = new Random(seed);
  const place = new Place({ brokers: await kafkaBrokers(), environment: { EMBEDSTREAM_PARTITIONS: '6' }, say });
  const admin = new Kafka({ brokers: [...place.brokers], logLevel: logLevel.NOTHING }).admin();
  try {
    await admin.connect();
    // Another one for the sources, whose moments are not ours.
    const pipeline = new Pipeline(place, new Random(seed + 1), { processors: 4, parquet: 2, npy: 1 });
    // Three of four processors: the fourth is there to join.
    await pipeline.processors[3]?.stop();
    const done = { crash: 0, freeze: 0, leave: 0, join: 0 };
    const under: Promise<void>[] = [];
    await pipeline.produceWave(ROWS_A_WAVE);
    for (let round = 1; round <= rounds; round++) {
      const wave = pipeline.produceWave(ROWS_A_WAVE, { killShare: PRODUCE_KILL_SHARE });
      wave.catch(() => undefined);
      if (round % POISON_EVERY === 1) await publishPoison(pipeline, round);
      for (let i = 0; i < ACTIONS_A_ROUND; i++) {
        const action = ACTIONS[((round - 1) * ACTIONS_A_ROUND + i) % ACTIONS.length] ?? 'crash';
        const able = pipeline.members.filter((each) => (action === 'join' ? each.isGone : each.isUp));
        if (able.length === 0) continue;
        const member = random.pick(able);
        const input = pipeline.processors.includes(member) ? 'records' : `embeddings.${MODEL}`;
        await grown(admin, `${place.namespace}.${input}`, BUSY_WITHIN_MS);
        await delay(random.next() * INTO_WORK_MS);
        // It may have been stopped meanwhile.
        if (action !== 'join' && !member.isUp) continue;
        say(`round ${round}: ${action} ${member.name}`);
        under.push(act(action, member, random));
        done[action]++;
      }
      await wave;
    }
    await Promise.all(under);
    const totals = await pipeline.settle();
    const unasked = pipeline.members.flatMap(({ name, unasked }) => unasked.map(({ stderr }) => `${name}: ${stderr}`));
    return { ...done, produceKills: pipeline.produceKills, endedByThemselves: unasked.length, ...totals };
  } finally {
    await admin.disconnect();
    await place.dispose();
  }
};

async function act(action: (typeof ACTIONS)[number], member: SupervisedProcess, random: Random): Promise<void> {
  if (action === 'join') member.rejoin();
  else if (action === 'crash') member.crash();
  else if (action === 'leave') await member.stop();
  else {
    member.freeze();
    await delay(SESSION_TIMEOUT_MS + random.between(500, 4_000));
    member.thaw();
  }
}

/** Records of another program that are none of ours. */
async function publishPoison({ place, poison }: Pipeline, round: number): Promise<void> {
  const kafka = new Kafka({ brokers: [...place.brokers], logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  const keys = Array.from({ length: POISON }, (_, i) => `poison-${round}-${i}`);
  const messages = keys.map((key) => ({ key, value: `no Avro, ${key}` }));
  await producer.send({ topic: `${place.namespace}.records`, acks: -1, messages });
  await producer.disconnect();
  for (const key of keys) poison.add(key);
}
