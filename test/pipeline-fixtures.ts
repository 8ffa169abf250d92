import { createCodec } from '../src/codec/create-codec.ts';
import { poisonError } from '../src/errors.ts';
import type { Log, LogRecord, RunOptions } from '../src/log/port.ts';
import { createMemoryLog } from '../src/log/memory/memory-log.ts';
import { topicNames } from '../src/log/topics.ts';
import type { EmbedInput, EmbedResult, Embedder } from '../src/models/port.ts';
import { EmbeddingTask, ensureProcessorTopics } from '../src/processors/embedding-task.ts';
import type { Source, SourceFault, SourceItem } from '../src/producers/port.ts';
import type { PublishReport } from '../src/producers/publish-report.ts';
import type { PublishOptions } from '../src/producers/publish-options.ts';
import { publish } from '../src/producers/publisher.ts';
import { sha256 } from '../src/record/identity.ts';
import type { ModelFingerprint, RecordId } from '../src/record/types.ts';

export const codec = createCodec();
export const topics = topicNames('test');
export const CLOCK = (): number => 1_700_000_000_000;

export type Row = Readonly<{ id: string; text?: string; metadata?: Readonly<Record<string, string>> }> | SourceFault;

export function fault(line: number, raw: string): SourceFault {
  return { kind: 'fault', code: 'CSV_RAGGED_ROW', reason: `rows.csv:${line}: ragged`, line, raw: Buffer.from(raw) };
}

/** A source in memory. */
export function sourceOf(rows: readonly Row[], { batch = 3, name = 'rows', filtered = 0 } = {}): Source {
  const items = rows.map((row, index): SourceItem | SourceFault =>
    'kind' in row
      ? row
      : {
          kind: 'item',
          id: row.id as RecordId,
          ...(row.text !== undefined && { text: row.text }),
          metadata: new Map(Object.entries(row.metadata ?? {})),
          line: index + 2,
        },
  );
  return {
    name,
    location: `${name}.csv`,
    description: {},
    async *read() {
      await Promise.resolve();
      for (let at = 0; at < items.length; at += batch)
        yield { items: items.slice(at, at + batch), filtered: at === 0 ? filtered : 0, bytesRead: at };
    },
  };
}

export function publishRows(
  log: Log,
  rows: readonly Row[],
  more: Partial<PublishOptions> = {},
): Promise<PublishReport> {
  return publish({ source: sourceOf(rows), log, codec, topics, partitions: 1, clock: CLOCK, ...more });
}

export interface FakeEmbedder extends Embedder {
  /** Texts of every call, in order. */
  readonly calls: string[][];
  /** Settles the calls that wait, when `manual`. */
  release(): void;
}

/** A model of four dimensions; texts that contain "poison" can't be embedded, "world" breaks the whole call. */
export function fakeEmbedder({ version = '1', manual = false, name = 'fake' } = {}): FakeEmbedder {
  const calls: string[][] = [];
  const waiting: (() => void)[] = [];
  return {
    info: {
      name,
      kinds: ['text'],
      dimension: 4,
      maxTokens: 8,
      fingerprint: sha256(version).toString('hex') as ModelFingerprint,
    },
    windowSize: 4,
    calls,
    release() {
      for (const resume of waiting.splice(0)) resume();
    },
    async embed(inputs: readonly EmbedInput[]): Promise<EmbedResult> {
      const texts = inputs.map((input) => input.text ?? '');
      calls.push(texts);
      if (manual) await new Promise<void>((resolve) => waiting.push(resolve));
      if (texts.some((text) => text.includes('world'))) throw new Error('the model broke');
      const vectors = new Float32Array(inputs.length * 4);
      texts.forEach((text, i) => {
        vectors.set(vectorOf(text), i * 4);
      });
      const poisoned = texts.flatMap((text, i) => (text.includes('poison') ? [i] : []));
      return {
        vectors,
        tokenCounts: Uint32Array.from(texts, (text) => Math.min(8, text.split(' ').length)),
        truncated: Uint8Array.from(texts, (text) => (text.split(' ').length > 8 ? 1 : 0)),
        faults: new Map(poisoned.map((i) => [i, poisonError('MODEL_INPUT', 'this text is poison')])),
      };
    },
    close: () => Promise.resolve(),
  };
}

export function vectorOf(text: string): Float32Array {
  const digest = sha256(text);
  return Float32Array.from([0, 1, 2, 3], (i) => (digest[i] ?? 0) / 255);
}

export async function processAll(
  log: Log,
  embedder: Embedder,
  options: RunOptions = {},
  partitions = 1,
): Promise<EmbeddingTask> {
  await ensureProcessorTopics(log, topics, embedder.info.name, partitions);
  const task = new EmbeddingTask({ log, codec, embedder, topics, namespace: 'test', clock: CLOCK });
  await log.run(task, { until: 'end', maxBatchRecords: embedder.windowSize, ...options });
  return task;
}

export async function allRecords(log: Log, topic: string): Promise<LogRecord[]> {
  const info = (await log.topics()).find(({ name }) => name === topic);
  const records: LogRecord[] = [];
  for (const { partition, startOffset, endOffset } of info?.partitionInfo ?? [])
    for await (const batch of log.read(topic, partition, startOffset, endOffset)) records.push(...batch.records);
  return records;
}

/** Latest value of each key; deleted ones are left out. */
export async function latestValues(log: Log, topic: string): Promise<Map<string, Uint8Array>> {
  const latest = new Map<string, Uint8Array>();
  for (const { key, value } of await allRecords(log, topic)) {
    const id = Buffer.from(key ?? []).toString();
    if (value === null) latest.delete(id);
    else latest.set(id, value);
  }
  return latest;
}

export { createMemoryLog };
