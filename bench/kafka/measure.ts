/** What the pipeline does on Kafka, beside what bare kafkajs does in the same run. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Kafka, logLevel } from 'kafkajs';
import { megabytes, stageSeconds, usageFigures, type Figure } from '../pipeline/figures.ts';
import { runEmbedstream, runNode, startEmbedstream } from '../pipeline/measured-command.ts';
import { writeSevenColumns, writeShortRows } from '../pipeline/tables.ts';
import type { Workplace } from '../pipeline/workplace.ts';

const PEER = fileURLToPath(new URL('peer.ts', import.meta.url));
const MODEL = 'hashed-384';
const RECORD_BYTES = 300;
const PEAK_MEMORY_MB = 600;

interface PeerReport {
  readonly records: number;
  readonly bytes: number;
  readonly seconds: number;
}

export interface Setting {
  readonly workplace: Workplace;
  readonly rows: number;
  readonly brokers: readonly string[];
}

async function peer(folder: string, ...args: readonly string[]): Promise<PeerReport> {
  const { stdout } = await runNode([PEER, ...args], folder);
  return JSON.parse(stdout) as PeerReport;
}

function freshNamespace(): string {
  return `bench-${randomBytes(4).toString('hex')}`;
}

/** CSV rows of 300 bytes onto the records topic, with the source's ledger, against as many bare records of 300 bytes. */
export async function measureProduce({ workplace, rows, brokers }: Setting): Promise<Figure[]> {
  const folder = workplace.fresh('kafka-produce');
  const namespace = freshNamespace();
  writeShortRows(join(folder, 'rows.csv'), rows, RECORD_BYTES);
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  const topic = `${namespace}.peer`;
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 6, replicationFactor: 1 }], waitForLeaders: true });
  const bare = await peer(folder, 'send', topic, String(rows), String(RECORD_BYTES));
  const ran = await runEmbedstream(['produce', '--source=rows.csv', `--namespace=${namespace}`], folder);
  const again = await peer(folder, 'send', topic, String(rows), String(RECORD_BYTES));
  await admin.disconnect();
  const bareRate = (bare.records + again.records) / (bare.seconds + again.seconds);
  const rate = rows / stageSeconds(ran.report);
  const name = `produce rows of ${RECORD_BYTES} bytes`;
  return [
    { name: `bare kafkajs sends records of ${RECORD_BYTES} bytes`, value: bareRate, unit: 'rows/s' },
    { name, value: rate, unit: 'rows/s' },
    { name: `${name} over bare kafkajs`, value: rate / bareRate, unit: 'ratio', atLeast: 0.6 },
    ...usageFigures(name, rows, ran),
  ];
}

/** CSV of seven columns to Parquet in one process, then its parts; the broker is on the same cores. */
export async function measurePipeline({ workplace, rows }: Setting): Promise<Figure[]> {
  const folder = workplace.fresh('kafka-pipeline');
  writeSevenColumns(join(folder, 'rows.csv'), rows);
  const namespace = freshNamespace();
  const arguments_ = ['--source=rows.csv', `--model=${MODEL}`, '--sink=parquet', `--namespace=${namespace}`];
  const embedded = await runEmbedstream(['embed', ...arguments_], folder);
  const name = `CSV of 7 columns to Parquet over Kafka, ${rows.toLocaleString('en-US')} rows`;
  const [whole, cpu, memory] = usageFigures(name, rows, embedded);
  const sink = await measureSink(folder, namespace);
  const restored = await runEmbedstream(['process', `--model=${MODEL}`, `--namespace=${namespace}`], folder);
  const ledger = `process, nothing new, ledger of ${rows.toLocaleString('en-US')}`;
  return [
    { ...whole, atLeast: 6000 },
    { name: `${name}, before reconcile`, value: rows / stageSeconds(embedded.report), unit: 'rows/s', atLeast: 6000 },
    cpu,
    { ...memory, atMost: PEAK_MEMORY_MB },
    ...sink,
    { name: ledger, value: restored.wallSeconds, unit: 's', atMost: 10 },
    { name: `${ledger}, peak memory`, value: megabytes(restored.peakMemoryBytes), unit: 'MB', atMost: 250 },
  ] as Figure[];
}

/** A new output of embeddings that are there, against bare kafkajs that only reads them, or writes them as they are. */
async function measureSink(folder: string, namespace: string): Promise<Figure[]> {
  const topic = `${namespace}.embeddings.${MODEL}`;
  const bare = await peer(folder, 'consume', topic);
  const copied = await peer(folder, 'copy', topic, join(folder, 'copy'));
  const ran = await runEmbedstream(
    ['sink', 'parquet', `--model=${MODEL}`, `--namespace=${namespace}`, '--out=again'],
    folder,
  );
  const again = await peer(folder, 'consume', topic);
  const bareRate = (bare.records + again.records) / (bare.seconds + again.seconds);
  const rate = bare.records / stageSeconds(ran.report);
  const copyRate = copied.records / copied.seconds;
  return [
    { name: 'bare kafkajs consumes 384-d embeddings', value: bareRate, unit: 'rows/s' },
    {
      name: 'bare kafkajs consumes 384-d embeddings, bytes',
      value: megabytes(bare.bytes) / bare.seconds,
      unit: 'MB/s',
    },
    { name: 'the same, and writes them to a file as they are', value: copyRate, unit: 'rows/s' },
    { name: 'sink parquet, 384-d', value: rate, unit: 'rows/s' },
    { name: 'sink parquet over kafkajs that writes', value: rate / copyRate, unit: 'ratio' },
    { name: 'sink parquet over bare kafkajs', value: rate / bareRate, unit: 'ratio', atLeast: 0.6 },
    { name: 'sink parquet, peak memory', value: megabytes(ran.peakMemoryBytes), unit: 'MB', atMost: PEAK_MEMORY_MB },
  ];
}

/** The default model in one process with one inference thread, then in two such processes. */
export async function measureScaling({ workplace, brokers }: Setting): Promise<Figure[]> {
  const folder = workplace.fresh('kafka-scaling');
  writeSevenColumns(join(folder, 'rows.csv'), 120_000);
  const one = await embeddingRate(folder, brokers, 1);
  const two = await embeddingRate(folder, brokers, 2);
  return [
    { name: 'one processor with one inference thread', value: one, unit: 'rows/s' },
    { name: 'two such processors', value: two, unit: 'rows/s' },
    { name: 'two processors over one', value: two / one, unit: 'ratio', atLeast: 1.8 },
  ];
}

/** The first member to join has all partitions, and gives half of them up once what it had in flight is done. */
const SETTLE_SECONDS = 20;
/** Each partition commits a few thousand records at once, every few seconds: less would measure those steps. */
const WINDOW_SECONDS = 60;

/** Records a second that the group commits while all members are at work. */
async function embeddingRate(folder: string, brokers: readonly string[], processes: number): Promise<number> {
  const namespace = freshNamespace();
  await runEmbedstream(['produce', '--source=rows.csv', `--namespace=${namespace}`], folder);
  const model = 'all-MiniLM-L6-v2';
  const running = Array.from({ length: processes }, () =>
    startEmbedstream(['process', `--model=${model}`, '--workers=1', '--follow', `--namespace=${namespace}`], folder),
  );
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const done = async (): Promise<number> => {
    const groupId = `${namespace}.processor.${model}`;
    const [topic] = await admin.fetchOffsets({ groupId, topics: [`${namespace}.records`] });
    return (topic?.partitions ?? []).reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0);
  };
  try {
    await seconds(SETTLE_SECONDS);
    const [before, beforeMs] = [await done(), performance.now()];
    await seconds(WINDOW_SECONDS);
    return ((await done()) - before) / ((performance.now() - beforeMs) / 1000);
  } finally {
    await admin.disconnect();
    await Promise.all(running.map((each) => each.stop()));
  }
}

function seconds(count: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, count * 1000));
}
