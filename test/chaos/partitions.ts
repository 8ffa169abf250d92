import { setTimeout as delay } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { kafkaBrokers } from '../services/index.ts';
import type { Campaign } from './campaign-options.ts';
import { count, type Counted } from './count.ts';
import { FORMATS, Pipeline, PROCESS, produceCommands, sink } from './pipeline.ts';
import { Place, type CommandJson } from './place.ts';
import { Random } from './random.ts';

const ROWS = 300;
const BEFORE = 3;
const AFTER = 5;
const GROW_WITHIN_MS = 2_000;
/** A run looks every 15 s whether its topics have grown. */
const NOTICED_WITHIN_MS = 60_000;
const POLL_MS = 100;
const MISMATCH = 'LOG_PARTITION_MISMATCH';

/**
 * Somebody adds partitions to the records topic of a running system. Whoever would write or read across both layouts
 * stops or refuses, and nothing lies where nobody looks; the documented mend takes everything into a new namespace,
 * where nothing is embedded again and all goes on.
 */
export const partitions: Campaign = async ({ rounds, seed, say }) => {
  const random = new Random(seed);
  let [records, embeddedAfter] = [0, 0];
  for (let round = 1; round <= rounds; round++) {
    say(`round ${round}`);
    const totals = await growAndMend(random, say);
    records += totals.records;
    embeddedAfter += totals.embeddedAfter;
  }
  return { rounds, records, embeddedAfter };
};

async function growAndMend(
  random: Random,
  say: (line: string) => void,
): Promise<{ records: number; embeddedAfter: number }> {
  const brokers = await kafkaBrokers();
  const place = new Place({ brokers, environment: { EMBEDSTREAM_PARTITIONS: String(BEFORE) }, say });
  const mended = new Place({ brokers, say });
  try {
    const pipeline = new Pipeline(place, random, { processors: 2, parquet: 1, npy: 1 });
    await pipeline.produceWave(ROWS);
    await pipeline.catchUp();
    await pipeline.sources.advance(random, ROWS);
    const producing = produceCommands(pipeline.sources).map((args) => place.run([...args, '--json']));
    await delay(random.next() * GROW_WITHIN_MS);
    await addPartitions(brokers, `${place.namespace}.records`);
    for (const { stdout } of await Promise.all(producing)) {
      const { error } = JSON.parse(stdout) as CommandJson;
      say(`  a run of produce that was under way: ${error?.code ?? 'done'}`);
      if (error !== undefined && error.code !== MISMATCH) throw new Error(error.message);
    }
    await stopped(pipeline);
    await Promise.all(pipeline.members.map((member) => member.stop()));
    await refused(place, pipeline);
    const before = await count(place, FORMATS);
    // Ours all know that the ledger of those is elsewhere.
    const astray = before.records.filter(([partition]) => partition >= BEFORE);
    if (astray.length > 0) throw new Error(`${astray.length} records were written to the new partitions`);

    const repartition = ['topics', 'repartition', `--partitions=${AFTER}`, `--into=${mended.namespace}`];
    await place.json(repartition);
    const { processed } = await mended.json(PROCESS, [0, 1]);
    const left = [...latest(before.records)].filter(
      ([id, hash]) => hash !== null && latest(before.embeddings).get(id) !== hash,
    );
    if (processed?.[0]?.embedded !== left.length)
      throw new Error(`${left.length} were left to embed, ${processed?.[0]?.embedded} were embedded`);
    say(`  repartitioned; ${left.length} were left to embed`);

    const after = new Pipeline(mended, random, { processors: 2, parquet: 1, npy: 1 }, pipeline.sources);
    await after.produceWave(ROWS);
    for (const member of after.members) if (!member.isUp) throw new Error(`${member.name} does not run`);
    await after.catchUp();
    await Promise.all(after.members.map((member) => member.stop()));
    const faults = [...pipeline.members, ...after.members].flatMap((member) => member.faults);
    if (faults.length > 0) throw new Error(faults.join('\n'));
    const { differences } = await mended.json(['reconcile']);
    if (differences !== 0) throw new Error(`reconcile finds ${differences} differences`);
    const counted = await count(mended, FORMATS);
    compareLive(counted, pipeline);
    return { records: counted.records.length, embeddedAfter: left.length };
  } finally {
    await place.dispose();
    await mended.dispose();
  }
}

async function addPartitions(brokers: readonly string[], topic: string): Promise<void> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.createPartitions({ topicPartitions: [{ topic, count: AFTER }] });
  await admin.disconnect();
}

/** Processors, which read the topic that has grown, stop and say why. */
async function stopped({ processors }: Pipeline): Promise<void> {
  const startMs = performance.now();
  while (processors.some(({ unasked }) => unasked.length === 0)) {
    if (performance.now() - startMs > NOTICED_WITHIN_MS) throw new Error('A processor goes on over more partitions');
    await delay(POLL_MS);
  }
  for (const { name, unasked } of processors)
    for (const { code, stderr } of unasked)
      if (code !== 1 || !stderr.includes('topics repartition'))
        throw new Error(`${name} ended with ${code} and does not name the mend: ${stderr}`);
}

async function refused(place: Place, { sources }: Pipeline): Promise<void> {
  for (const args of [...produceCommands(sources), PROCESS, ...FORMATS.map(sink), ['reconcile']]) {
    const { error } = await place.json(args, [1]);
    if (error?.code !== MISMATCH)
      throw new Error(`${args.join(' ')}: ${error?.code ?? 'no error'} ${error?.message ?? ''}`);
    if (!error.message.includes('topics repartition'))
      throw new Error(`${args[0]} does not name the mend: ${error.message}`);
  }
}

/** By id, over all partitions: after a repartition an id is in one of them. */
function latest(rows: Counted['records'] | Counted['embeddings'] | Counted['ledger']): Map<string, string | null> {
  return new Map(rows.map(([, , id, contentHash]) => [id, contentHash]));
}

/** What is live is there in its latest version, and each shard row is one of the embeddings. */
function compareLive(counted: Counted, { sources }: Pipeline): void {
  const wanted = new Map(Array.from(sources.history, ([id, versions]) => [id, versions.at(-1) ?? null]));
  const live = (all: ReadonlyMap<string, string | null>): string =>
    JSON.stringify([...all].filter(([, hash]) => hash !== null).sort(([a], [b]) => (a < b ? -1 : 1)));
  for (const name of ['records', 'embeddings', 'ledger'] as const)
    if (live(latest(counted[name])) !== live(wanted)) throw new Error(`The live ${name} are not those of the sources`);
  const places = new Map<string, number>();
  for (const [partition, , id] of counted.records)
    if ((places.get(id) ?? partition) !== partition) throw new Error(`${id} is in two partitions`);
    else places.set(id, partition);
  const letters = counted.deadLetters.map(([, , id]) => id).sort();
  if (JSON.stringify(letters) !== JSON.stringify([...sources.badRows].sort()))
    throw new Error('Dead letters are lost or double');
  const embedded = counted.embeddings
    .filter(([, , , hash]) => hash !== null)
    .map(String)
    .sort();
  for (const [format, { rows }] of Object.entries(counted.shards))
    if (JSON.stringify(rows.map(String).sort()) !== JSON.stringify(embedded))
      throw new Error(`The ${format} shards are not the embeddings`);
}
