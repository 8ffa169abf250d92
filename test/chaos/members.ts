import { setTimeout as delay } from 'node:timers/promises';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { kafkaBrokers } from '../services/index.ts';
import type { Campaign } from './campaign-options.ts';
import { Pipeline } from './pipeline.ts';
import { Place, SESSION_TIMEOUT_MS } from './place.ts';
import { Random } from './random.ts';
import type { SupervisedProcess } from './supervised-process.ts';

const ROWS_A_WAVE = 150;
/** How often a run of `produce` is killed. */
const PRODUCE_KILL_SHARE = 0.6;
/** A round in so many also has records that can't be decoded. */
const POISON_EVERY = 4;
const POISON = 3;
const ACTIONS = ['crash', 'crash', 'freeze', 'leave', 'join'] as const;

/**
 * Processors, sinks and sources side by side: members are killed, frozen for longer than their session, leave and join,
 * while rows come, change and go. Everything must be there exactly once.
 */
export const members: Campaign = async ({ rounds, seed, say }) => {
  const random = new Random(seed);
  const place = new Place({ brokers: await kafkaBrokers(), environment: { EMBEDSTREAM_PARTITIONS: '6' }, say });
  try {
    const pipeline = new Pipeline(place, random, { processors: 4, parquet: 2, npy: 1 });
    // Three of four processors: the fourth is there to join.
    await pipeline.processors[3]?.stop();
    const done = { crash: 0, freeze: 0, leave: 0, join: 0 };
    const under: Promise<void>[] = [];
    await pipeline.produceWave(ROWS_A_WAVE);
    for (let round = 1; round <= rounds; round++) {
      const wave = pipeline.produceWave(ROWS_A_WAVE, { killShare: PRODUCE_KILL_SHARE });
      wave.catch(() => undefined);
      if (round % POISON_EVERY === 1) await publishPoison(pipeline, round);
      for (let i = 0; i < 2; i++) {
        const action = random.pick(ACTIONS);
        await delay(random.between(0, 2_000));
        const member = random.pick(pipeline.members);
        const acted = act(action, member, random);
        if (acted === undefined) continue;
        done[action]++;
        say(`round ${round}: ${action} ${member.name}`);
        under.push(acted);
      }
      await wave;
    }
    await Promise.all(under);
    const totals = await pipeline.settle();
    const unasked = pipeline.members.flatMap(({ name, unasked }) => unasked.map(({ stderr }) => `${name}: ${stderr}`));
    return { ...done, produceKills: pipeline.produceKills, endedByThemselves: unasked.length, ...totals };
  } finally {
    await place.dispose();
  }
};

/** undefined: this member can't do this now. */
function act(action: (typeof ACTIONS)[number], member: SupervisedProcess, random: Random): Promise<void> | undefined {
  if (action === 'join') {
    if (!member.isGone) return undefined;
    member.rejoin();
    return Promise.resolve();
  }
  if (!member.isUp) return undefined;
  if (action === 'crash') {
    member.crash();
    return Promise.resolve();
  }
  if (action === 'leave') return member.stop();
  member.freeze();
  return delay(SESSION_TIMEOUT_MS + random.between(500, 4_000)).then(() => {
    member.thaw();
  });
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
