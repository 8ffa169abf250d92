import { onTestFinished } from 'vitest';
import { createMemoryLog } from '../../../src/log/memory/memory-log.ts';
import { MemoryStore } from '../../../src/log/memory/memory-store.ts';
import type { Log, OutputRecord, PartitionTask, Progress } from '../../../src/log/port.ts';
import { compactedTopic, topicNames } from '../../../src/log/topics.ts';
import type { ShardDescriptor } from '../../../src/record/types.ts';
import { createFileSink, type FileSink, type FileSinkOptions } from '../../../src/sinks/file-sink.ts';
import { ShardCatalog } from '../../../src/sinks/shard-catalog.ts';
import { codec, embedding, wire } from '../fixtures.ts';
import type { TestBucket } from './test-bucket.ts';

export const topics = topicNames('test');
export const input = topics.embeddings('tiny');
export const DIMENSION = 8;

/** Of the one partition that most tests have. */
export function shardName(first: number, last: number, partition = 0): string {
  return `${input}+${partition}+${String(first).padStart(20, '0')}-${String(last).padStart(20, '0')}`;
}

/** A log in memory and sinks that write from it to a bucket, step by step as the runner has them do. */
export class BucketWorld {
  readonly log: Log = createMemoryLog({ store: new MemoryStore() });
  readonly bucket: TestBucket;
  readonly format: 'parquet' | 'npy';

  constructor(bucket: TestBucket, format: 'parquet' | 'npy' = 'parquet') {
    this.bucket = bucket;
    this.format = format;
  }

  get options(): Pick<FileSinkOptions, 'format' | 'log' | 'codec' | 'topics' | 'model' | 'out' | 'environment'> {
    const { format, log, bucket } = this;
    return { format, log, codec, topics, model: 'tiny', out: `${bucket.url}/out`, environment: process.env };
  }

  /** Keys under the sink's prefix. */
  get prefix(): string {
    return `out/${this.format}/tiny/`;
  }

  sink(): FileSink {
    const sink = createFileSink({ ...this.options, dimension: DIMENSION, shardRows: 10, clock: () => 1234 });
    onTestFinished(() => sink.close());
    return sink;
  }

  async put(...records: readonly (readonly [id: number, isThere: boolean])[]): Promise<void> {
    await this.log.ensureTopics([compactedTopic(input, 1)]);
    const producer = await this.log.producer('test');
    const outputs = records.map(([id, isThere]): OutputRecord => {
      return { topic: input, key: Buffer.from(`object-${id}`), value: isThere ? wire(embedding(id, DIMENSION)) : null };
    });
    await producer.append(outputs);
    await producer.close();
  }

  async putRows(from: number, to: number): Promise<void> {
    await this.put(...Array.from({ length: to - from }, (_, i) => [from + i, true] as const));
  }

  async descriptors(): Promise<ShardDescriptor[]> {
    const catalog = new ShardCatalog(this.log, codec, topics.shards(`${this.format}-tiny`));
    await catalog.refresh();
    return catalog.shards();
  }

  /** All that is new is staged and sent, and not committed. */
  async stage(sink = this.sink()): Promise<{ readonly task: PartitionTask; readonly progress: Progress }> {
    const info = (await this.log.topics()).find(({ name }) => name === input);
    const end = info?.partitionInfo[0]?.endOffset ?? 0;
    const [committed] = (await this.log.groups()).find(({ group }) => group === sink.group)?.committed ?? [];
    const from = committed?.offset ?? 0;
    const context = { topic: input, partition: 0, offset: from, assertOwner: () => Promise.resolve() };
    const task = await sink.open({ ...context, signal: new AbortController().signal });
    const outputs: OutputRecord[] = [];
    let offset: number | undefined;
    const add = (progress: Progress): void => {
      outputs.push(...progress.outputs);
      offset = progress.offset ?? offset;
    };
    for await (const { records } of this.log.read(input, 0, from, end)) add(await task.process(records));
    add(await task.idle('end'));
    return { task, progress: offset === undefined ? { outputs } : { outputs, offset } };
  }

  /** As the runner's transaction. */
  async commit({ outputs, offset = 0 }: Progress): Promise<void> {
    const producer = await this.log.producer('commit');
    await producer.append(outputs);
    await producer.close();
    await this.log.resetGroup(this.sink().group, [{ topic: input, partition: 0, offset }]);
  }

  /** Names of the objects, without the prefix. */
  async objects(): Promise<string[]> {
    return (await this.bucket.keys(this.prefix)).map((key) => key.slice(this.prefix.length));
  }

  async rows(read: (folder: string) => AsyncIterable<{ readonly id: string }>): Promise<string[]> {
    return this.bucket.copied(async (folder) => {
      const ids: string[] = [];
      for await (const { id } of read(`${folder}/${this.prefix}`)) ids.push(id);
      return ids;
    });
  }
}
