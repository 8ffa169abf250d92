import { setTimeout as delay } from 'node:timers/promises';
import { restartableKafka } from '../services/index.ts';
import type { Campaign } from './campaign-options.ts';
import { Pipeline } from './pipeline.ts';
import { Place } from './place.ts';
import { Random } from './random.ts';

const ROWS_A_WAVE = 400;
/** Of a wave, in which `produce`, processors and sinks are all at work. */
const KILL_WITHIN_MS = 2_500;
const AWAY_MS = 4_000;

/**
 * The broker is killed in the middle of producing, embedding and writing, and comes back on its data. Nobody helps but
 * the supervisor, and what was acknowledged must be there: every row of every run of `produce` that was done.
 */
export const broker: Campaign = async ({ rounds, seed, say }) => {
  const random = new Random(seed);
  const kafka = await restartableKafka();
  const place = new Place({ brokers: kafka.address, environment: { EMBEDSTREAM_PARTITIONS: '4' }, say });
  try {
    const pipeline = new Pipeline(place, random, { processors: 2, parquet: 1, npy: 1 });
    await pipeline.produceWave(ROWS_A_WAVE);
    for (let round = 1; round <= rounds; round++) {
      const wave = pipeline.produceWave(ROWS_A_WAVE, { mayFail: true });
      wave.catch(() => undefined);
      await delay(random.next() * KILL_WITHIN_MS);
      await kafka.kill();
      const awayMs = random.next() * AWAY_MS;
      await delay(awayMs);
      const backMs = performance.now();
      await kafka.start();
      const startMs = performance.now() - backMs;
      await wave;
      say(
        `round ${round}: killed, away for ${Math.round(awayMs)} ms and ${Math.round(startMs)} ms of starting; the wave is in`,
      );
    }
    const totals = await pipeline.settle();
    const endedByThemselves = pipeline.members.reduce((sum, { unasked }) => sum + unasked.length, 0);
    return { brokerKills: rounds, produceRetries: pipeline.produceRetries, endedByThemselves, ...totals };
  } finally {
    await place.dispose();
    await kafka.remove();
  }
};
