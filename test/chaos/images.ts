import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { kafkaBrokers } from '../services/index.ts';
import type { Campaign } from './campaign-options.ts';
import { count } from './count.ts';
import { exitOf, type Exit } from './exits.ts';
import { MODEL, peakMemoryMiB, Place } from './place.ts';

type Published = readonly [id: string, textHash: string, imageHash: string];

const IMAGES_A_ROUND = 40;
const PARTITIONS = 2;
const IMAGE_MODEL = 'image-hash';
/** Issue 4: bounded memory. */
const MOST_MIB = 600;
const LOOK_MS = 50;
const PUBLISHER = join(import.meta.dirname, 'image-publisher-fixture.ts');
const IMAGE_PROCESSOR = join(import.meta.dirname, 'image-processor-fixture.ts');

/**
 * Records with an image of 4 MB, published through the port, embedded by a model that reads the text beside it and by
 * one that reads the image, and written to shards: every one exactly once, in bounded memory.
 */
export const images: Campaign = async ({ rounds, say }) => {
  const brokers = await kafkaBrokers();
  const place = new Place({ brokers, environment: { EMBEDSTREAM_PARTITIONS: String(PARTITIONS) }, say });
  const peaks: Record<string, number> = {};
  /** Runs to its end, which must be a good one, and notes the most memory that it had. */
  const watched = async (name: string, child: ChildProcess): Promise<Exit> => {
    const startMs = performance.now();
    const look = (): void => {
      const peak = child.pid === undefined ? undefined : peakMemoryMiB(child.pid);
      if (peak !== undefined) peaks[name] = Math.max(peaks[name] ?? 0, Math.round(peak));
    };
    const timer = setInterval(look, LOOK_MS);
    const exit = await exitOf(child);
    clearInterval(timer);
    const tookMs = Math.round(performance.now() - startMs);
    say(`${name}: ${tookMs} ms, at most ${peaks[name] ?? NaN} MiB`);
    if (exit.code !== 0) throw new Error(`${name} ended with ${exit.code}: ${exit.stderr}${exit.stdout}`);
    return exit;
  };
  try {
    const number = rounds * IMAGES_A_ROUND;
    const common = [brokers.join(), place.namespace];
    // With the publisher at work, as in a running system; a second run takes what came after the end it saw.
    const publishing = watched('publisher', place.spawn([...common, String(number), String(PARTITIONS)], PUBLISHER));
    const following = place.supervise('processor', ['process', `--model=${MODEL}`, '--follow']);
    const { stdout } = await publishing;
    await watched('text processor', place.spawn(['process', `--model=${MODEL}`]));
    const followed = following.pid === undefined ? undefined : peakMemoryMiB(following.pid);
    peaks['following processor'] = Math.round(followed ?? NaN);
    await following.stop();
    await watched('image processor', place.spawn([...common, IMAGE_MODEL, String(PARTITIONS)], IMAGE_PROCESSOR));
    await watched('sink', place.spawn(['sink', 'parquet', `--model=${MODEL}`]));
    const published = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Published);
    // A sink takes models of the catalogue only.
    await verify(place, published, { model: MODEL, hashOf: ([, textHash]) => textHash, formats: ['parquet'] });
    await verify(place, published, { model: IMAGE_MODEL, hashOf: ([, , imageHash]) => imageHash, formats: [] });
    await watched('reconcile', place.spawn(['reconcile', `--model=${MODEL}`]));
    const tooMuch = Object.entries(peaks).filter(([, peak]) => !(peak <= MOST_MIB));
    if (tooMuch.length > 0)
      throw new Error(`More than ${MOST_MIB} MiB: ${tooMuch.map(([name, peak]) => `${name} ${peak}`).join(', ')}`);
    const inMiB = Object.entries(peaks).map(([name, peak]) => [`MiB of ${name}`, peak]);
    return { images: number, ...(Object.fromEntries(inMiB) as Record<string, number>) };
  } finally {
    await place.dispose();
  }
};

interface Model {
  readonly model: string;
  /** Of the part that the model reads. */
  readonly hashOf: (published: Published) => string;
  readonly formats: readonly string[];
}

async function verify(place: Place, published: readonly Published[], { model, hashOf, formats }: Model): Promise<void> {
  const counted = await count(place, formats, { model });
  const same = (
    what: string,
    rows: readonly (readonly [number, number, string, string | null, ...unknown[]])[],
    hash: typeof hashOf,
  ): void => {
    const found = rows.map(([, , id, contentHash]) => `${id} ${contentHash ?? 'deleted'}`).sort();
    const wanted = published.map((each) => `${each[0]} ${hash(each)}`).sort();
    if (found.join() !== wanted.join())
      throw new Error(`${model}: ${found.length} ${what} of ${wanted.length} images, or not of these`);
  };
  same('records', counted.records, ([, textHash]) => textHash);
  same('embeddings', counted.embeddings, hashOf);
  for (const format of formats) same(`rows in ${format}`, counted.shards[format]?.rows ?? [], hashOf);
  if (counted.deadLetters.length > 0) throw new Error(`${counted.deadLetters.length} dead letters`);
}
