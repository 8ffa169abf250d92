import { setTimeout as delay } from 'node:timers/promises';
import { kafkaBrokers, restartableRegistry } from '../services/index.ts';
import type { Campaign } from './campaign-options.ts';
import { Pipeline } from './pipeline.ts';
import { MODEL, Place } from './place.ts';
import { Random } from './random.ts';

const ROWS = 300;
const KILL_WITHIN_MS = 1_500;

/**
 * The schema registry is killed while rows are published. Who runs already goes on: the schemas are known. Who starts
 * meanwhile tries for a while, then stops with exit code 1 and says so. With the registry back, everything completes,
 * and nothing has become a dead letter that is none.
 */
export const registry: Campaign = async ({ rounds, seed, say }) => {
  const random = new Random(seed);
  const server = await restartableRegistry();
  const environment = { EMBEDSTREAM_PARTITIONS: '2', SCHEMA_REGISTRY_URL: server.address };
  const place = new Place({ brokers: await kafkaBrokers(), environment, say });
  try {
    const pipeline = new Pipeline(place, random, { processors: 2, parquet: 1, npy: 1 });
    await pipeline.produceWave(ROWS);
    await pipeline.catchUp();
    for (let round = 1; round <= rounds; round++) {
      const wave = pipeline.produceWave(ROWS, { mayFail: true });
      wave.catch(() => undefined);
      await delay(random.next() * KILL_WITHIN_MS);
      await server.kill();
      const startMs = performance.now();
      const { error } = await place.json(['process', `--model=${MODEL}`], [1]);
      if (error?.code !== 'REGISTRY_UNREACHABLE')
        throw new Error(`Without a registry, process ended with ${error?.code ?? 'no error'}: ${error?.message ?? ''}`);
      say(
        `round ${round}: a new process stopped after ${Math.round(performance.now() - startMs)} ms: ${error.message}`,
      );
      await server.start();
      await wave;
    }
    const endedByThemselves = pipeline.members.flatMap(({ name, unasked }) =>
      unasked.map(({ stderr }) => `${name}: ${stderr}`),
    );
    if (endedByThemselves.length > 0) throw new Error(endedByThemselves.join('\n'));
    const totals = await pipeline.settle();
    return { registryKills: rounds, produceRetries: pipeline.produceRetries, ...totals };
  } finally {
    await place.dispose();
    await server.remove();
  }
};
