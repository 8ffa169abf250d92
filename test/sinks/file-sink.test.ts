import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { codec, collect, embedding, temporaryFolder, wire } from './fixtures.ts';
import { fatalError } from '../../src/errors.ts';
import { createMemoryLog } from '../../src/log/memory/memory-log.ts';
import { MemoryStore } from '../../src/log/memory/memory-store.ts';
import type { Log, OutputRecord, PartitionContext, PartitionTask, Progress } from '../../src/log/port.ts';
import { compactedTopic, topicNames } from '../../src/log/topics.ts';
import type { ShardDescriptor } from '../../src/record/types.ts';
import { discardShards } from '../../src/sinks/discard-shards.ts';
import { createFileSink, type FileSink, type FileSinkOptions } from '../../src/sinks/file-sink.ts';
import { createShardFormat } from '../../src/sinks/worker-format.ts';
import type { Manifest } from '../../src/sinks/manifest.ts';
import type { ShardFormat } from '../../src/sinks/port.ts';
import { readNpy } from '../../src/sinks/readers/read-npy.ts';
import { readParquet } from '../../src/sinks/readers/read-parquet.ts';
import { idFileOf, readShardDeletions, verifyShardFile } from '../../src/sinks/readers/verify-shard.ts';
import { ShardCatalog } from '../../src/sinks/shard-catalog.ts';

const topics = topicNames('test');
const input = topics.embeddings('tiny');
const DIMENSION = 8;
const name = (first: number, last: number): string =>
  `${input}+0+${String(first).padStart(20, '0')}-${String(last).padStart(20, '0')}`;

interface World {
  readonly log: Log;
  readonly out: string;
  readonly folder: string;
  readonly sink: (changes?: Partial<FileSinkOptions>) => FileSink;
  /** Puts embeddings on the log; undefined deletes. */
  readonly put: (...records: readonly (readonly [id: number, version: number | undefined])[]) => Promise<void>;
  readonly descriptors: () => Promise<ShardDescriptor[]>;
}

async function world(format: 'parquet' | 'npy' = 'parquet', partitions = 1): Promise<World> {
  const log = createMemoryLog({ store: new MemoryStore() });
  await log.ensureTopics([compactedTopic(input, partitions)]);
  const producer = await log.producer('test');
  const out = temporaryFolder();
  const sinks: FileSink[] = [];
  onTestFinished(async () => {
    for (const sink of sinks) await sink.close();
  });
  return {
    log,
    out,
    folder: join(out, format, 'tiny'),
    sink(changes) {
      const options = { format, log, codec, topics, model: 'tiny', dimension: DIMENSION, out, shardRows: 10 };
      const sink = createFileSink({ ...options, clock: () => 1234, ...changes });
      sinks.push(sink);
      return sink;
    },
    async put(...records) {
      const outputs = records.map(([id, version]): OutputRecord => {
        const value = version === undefined ? null : wire(embedding(id, DIMENSION, { createdAt: version }));
        return { topic: input, key: Buffer.from(`object-${id}`), value };
      });
      await producer.append(outputs);
    },
    async descriptors() {
      const catalog = new ShardCatalog(log, codec, topics.shards(`${format}-tiny`));
      await catalog.refresh();
      return catalog.shards();
    },
  };
}

const numbered = (from: number, to: number): (readonly [number, number])[] =>
  Array.from({ length: to - from }, (_, i) => [from + i, from + i] as const);

const visible = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((file) => file !== '.staging')
        .sort()
    : [];

function stagedFiles(folder: string): string[] {
  const root = join(folder, '.staging');
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name: file }) => file);
}

const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, '_manifest.json'), 'utf8')) as Manifest;

const contextAt = (offset: number): PartitionContext => ({
  ...{ topic: input, partition: 0, offset },
  signal: new AbortController().signal,
  assertOwner: () => Promise.resolve(),
});

/** What a crash leaves of a run: the task's own steps, with the log's transaction or without it. */
class Steps {
  readonly log: Log;
  readonly sink: FileSink;
  task: PartitionTask | undefined;

  constructor(log: Log, sink: FileSink) {
    this.log = log;
    this.sink = sink;
  }

  async stage(from = 0): Promise<Progress> {
    this.task = await this.sink.open(contextAt(from));
    const end = (await this.log.topics()).find((topic) => topic.name === input)!.partitionInfo[0]!.endOffset;
    const outputs: OutputRecord[] = [];
    let offset: number | undefined;
    const add = (progress: Progress): void => {
      outputs.push(...progress.outputs);
      offset = progress.offset ?? offset;
    };
    for await (const { records } of this.log.read(input, 0, from, end)) add(await this.task.process(records));
    add(await this.task.idle('end'));
    return offset === undefined ? { outputs } : { outputs, offset };
  }

  /** As the runner's transaction. */
  async commit({ outputs, offset }: Progress): Promise<void> {
    const producer = await this.log.producer('commit');
    await producer.append(outputs);
    await producer.close();
    await this.log.resetGroup(this.sink.group, [{ topic: input, partition: 0, offset: offset ?? 0 }]);
  }
}

describe.each(['parquet', 'npy'] as const)('the %s sink', (format) => {
  const rowsIn = (folder: string) => collect(format === 'parquet' ? readParquet(folder) : readNpy(folder));
  const filesOf = (...shards: string[]): string[] =>
    shards.flatMap((shard) =>
      format === 'parquet' ? [`${shard}.parquet`] : [`${shard}.metadata.parquet`, `${shard}.npy`],
    );

  it('cuts by count and at the end, and says in the manifest what there is', async () => {
    const { log, sink, put, folder, descriptors } = await world(format);
    await put(...numbered(0, 25));
    const first = sink();
    await log.run(first, { until: 'end' });
    expect(visible(folder)).toEqual(['_manifest.json', ...filesOf(name(0, 9), name(10, 19), name(20, 24))].sort());
    expect(stagedFiles(folder)).toEqual([]);
    expect((await rowsIn(folder)).map((row) => row.id)).toEqual(numbered(0, 25).map(([id]) => `object-${id}`));
    const shards = await descriptors();
    expect(shards.map((shard) => [shard.name, shard.rows, shard.createdAt, shard.location])).toEqual([
      [name(0, 9), 10, 1234, folder],
      [name(10, 19), 10, 1234, folder],
      [name(20, 24), 5, 1234, folder],
    ]);
    for (const file of shards.flatMap((shard) => shard.files))
      expect(await verifyShardFile(folder, file)).toBeUndefined();
    const manifest = manifestOf(folder);
    expect(manifest).toMatchObject({ rows: 25, deletions: 0, model: 'tiny', dimension: 8, format });
    expect(manifest.shards.map((shard) => shard.files)).toEqual(shards.map((shard) => shard.files));
    const bytes = shards.flatMap((shard) => shard.files).reduce((sum, file) => sum + file.bytes, 0);
    expect(first.stats()).toMatchObject({ folder, rows: 25, deletions: 0, shards: 3, bytes, deadLettered: 0 });
    await put(...numbered(25, 27));
    await log.run(sink(), { until: 'end' });
    expect(visible(folder)).toContain(filesOf(name(25, 26))[0]);
  });

  it('killed between stage and commit: nothing was published, and a rerun writes each row once', async () => {
    const { log, sink, put, folder } = await world(format);
    await put(...numbered(0, 15));
    await new Steps(log, sink()).stage();
    expect(visible(folder)).toEqual([]);
    expect(stagedFiles(folder).length).toBe(filesOf('a', 'b').length);
    writeFileSync(join(folder, '.staging', `${format}-tiny`, `${input}+0`, 'open-0011'), 'cut short');
    // The tail is cut elsewhere this time, so that what was staged gets in nobody's way by its name.
    await put(...numbered(15, 18));
    await log.run(sink(), { until: 'end' });
    expect(stagedFiles(folder)).toEqual([]);
    expect(visible(folder)).toEqual(['_manifest.json', ...filesOf(name(0, 9), name(10, 17))].sort());
    expect((await rowsIn(folder)).length).toBe(18);
  });

  it('killed between commit and the first rename: the next start publishes what was committed', async () => {
    const { log, sink, put, folder } = await world(format);
    await put(...numbered(0, 15));
    const steps = new Steps(log, sink());
    await steps.commit(await steps.stage());
    await log.run(sink(), { until: 'end' });
    expect(visible(folder)).toEqual(['_manifest.json', ...filesOf(name(0, 9), name(10, 14))].sort());
    expect((await rowsIn(folder)).length).toBe(15);
    expect(stagedFiles(folder)).toEqual([]);
    expect(manifestOf(folder).rows).toBe(15);
  });

  it('killed after each single rename: the next start finishes the publication', async () => {
    const files = [`_${name(0, 9)}.deletions.jsonl`, ...filesOf(name(0, 9))];
    for (let renamed = 1; renamed <= files.length; renamed++) {
      const { log, sink, put, folder, descriptors } = await world(format);
      await put(...numbered(0, 9), [3, undefined]);
      const steps = new Steps(log, sink());
      await steps.commit(await steps.stage());
      const staging = join(folder, '.staging', `${format}-tiny`, `${input}+0`);
      for (const file of files.slice(0, renamed)) {
        const staged = readdirSync(staging).find((each) => each.startsWith(`${file}.`))!;
        renameSync(join(staging, staged), join(folder, file));
      }
      await sink().open(contextAt(10));
      expect(visible(folder)).toEqual(['_manifest.json', ...files].sort());
      expect(stagedFiles(folder)).toEqual([]);
      const [shard] = await descriptors();
      expect(shard!.files.map((file) => file.name)).toEqual(files);
      for (const file of shard!.files) expect(await verifyShardFile(folder, file)).toBeUndefined();
    }
  });

  it('a replay gives the same names and bytes', async () => {
    const { log, sink, put, folder, out, descriptors } = await world(format);
    await put(...numbered(0, 25), [7, undefined]);
    await log.run(sink(), { until: 'end' });
    const before = await descriptors();
    const options = { format, log, codec, topics, model: 'tiny', out };
    const discard = async (from: number): Promise<string[]> =>
      (await discardShards({ ...options, from: new Map([[0, from]]) })).map((shard) => shard.name);
    expect(await discard(26)).toEqual([]);
    expect(await discard(20)).toEqual([name(20, 25)]);
    expect(await discard(19)).toEqual([name(10, 19)]);
    expect((await descriptors()).length).toBe(1);
    await log.run(sink(), { until: 'end' });
    expect(await descriptors()).toEqual(before);
    await discardShards(options);
    expect(visible(folder)).toEqual(['_manifest.json']);
    await log.run(sink(), { until: 'end' });
    expect(await descriptors()).toEqual(before);
    for (const file of before.flatMap((shard) => shard.files))
      expect(await verifyShardFile(folder, file)).toBeUndefined();
  });
});

describe('the shard task', () => {
  it('lists deletions in a sidecar that is part of the shard; a shard may hold nothing else', async () => {
    const { log, sink, put, folder, descriptors } = await world();
    await put([1, 1], [2, 1], [1, undefined], ...numbered(3, 10), [2, undefined], [3, undefined]);
    await log.run(sink(), { until: 'end' });
    const [full, only] = await descriptors();
    expect([full!.rows, full!.deletions, only!.rows, only!.deletions]).toEqual([9, 1, 0, 2]);
    expect(await readShardDeletions(folder, full!)).toEqual([{ id: 'object-1', offset: 2 }]);
    expect(await readShardDeletions(folder, only!)).toEqual([
      { id: 'object-2', offset: 10 },
      { id: 'object-3', offset: 11 },
    ]);
    expect(only!.files.map((file) => file.name)).toEqual([`_${name(10, 11)}.deletions.jsonl`]);
    expect([idFileOf(full!), idFileOf(only!)]).toEqual([`${name(0, 9)}.parquet`, undefined]);
    expect(manifestOf(folder)).toMatchObject({ rows: 9, deletions: 3 });
    await log.run(sink(), { until: 'end' });
  });

  it('names a committed shard that is gone, and replay mends it', async () => {
    const { log, sink, put, folder, out } = await world();
    await put(...numbered(0, 20));
    await log.run(sink(), { until: 'end' });
    rmSync(join(folder, `${name(0, 9)}.parquet`));
    await expect(log.run(sink(), { until: 'end' })).rejects.toMatchObject({
      code: 'FILE_SINK_SHARD_MISSING',
      message: expect.stringMatching(/0000-00000000000000000009\.parquet.*replay/) as string,
    });
    await discardShards({ format: 'parquet', log, codec, topics, model: 'tiny', out });
    await log.run(sink(), { until: 'end' });
    expect((await collect(readParquet(folder))).length).toBe(20);
  });

  it('never overwrites a foreign file, and goes on once it is moved away', async () => {
    const { log, sink, put, folder } = await world();
    await put(...numbered(0, 10));
    await sink().open(contextAt(0));
    const foreign = join(folder, `${name(0, 9)}.parquet`);
    writeFileSync(foreign, 'mine');
    await expect(log.run(sink(), { until: 'end' })).rejects.toMatchObject({ code: 'FILE_SINK_OBSTRUCTED' });
    await expect(log.run(sink(), { until: 'end' })).rejects.toMatchObject({ code: 'FILE_SINK_OBSTRUCTED' });
    expect(readFileSync(foreign, 'utf8')).toBe('mine');
    rmSync(foreign);
    await log.run(sink(), { until: 'end' });
    expect((await collect(readParquet(folder))).length).toBe(10);
  });

  it('takes a file with the same bytes for its own', async () => {
    const { log, sink, put, folder, descriptors } = await world();
    await put(...numbered(0, 10));
    const steps = new Steps(log, sink());
    await steps.commit(await steps.stage());
    const staging = join(folder, '.staging', 'parquet-tiny', `${input}+0`);
    const [file] = readdirSync(staging);
    writeFileSync(join(folder, `${name(0, 9)}.parquet`), readFileSync(join(staging, file!)));
    await log.run(sink(), { until: 'end' });
    expect(await verifyShardFile(folder, (await descriptors())[0]!.files[0]!)).toBeUndefined();
    expect(stagedFiles(folder)).toEqual([]);
  });

  it('what a frozen owner has staged is gone after a takeover, and it publishes nothing', async () => {
    const { log, sink, put, folder } = await world();
    await put(...numbered(0, 15));
    const frozen = new Steps(log, sink());
    await frozen.stage();
    await log.run(sink(), { until: 'end' });
    const before = visible(folder);
    await frozen.task!.close('failed');
    expect(visible(folder)).toEqual(before);
    expect(stagedFiles(folder)).toEqual([]);
    expect((await collect(readParquet(folder))).length).toBe(15);
  });

  it('an owner that freezes after its commit may publish again what the next owner has published', async () => {
    const { log, sink, put, folder } = await world();
    await put(...numbered(0, 15));
    const frozen = new Steps(log, sink());
    const progress = await frozen.stage();
    await frozen.commit(progress);
    await log.run(sink(), { until: 'end' });
    const before = visible(folder);
    await frozen.task!.committed!(progress);
    expect(visible(folder)).toEqual(before);
  });

  it('flushes a tail when it is quiet, and leaves one that was not committed to the next owner', async () => {
    const { log, sink, put, folder } = await world();
    await put(...numbered(0, 4));
    const task = await sink().open(contextAt(0));
    const records = (await collect(log.read(input, 0, 0, 4))).flatMap((batch) => batch.records);
    expect(await task.process(records)).toEqual({ outputs: [] });
    expect(await task.idle('quiet')).toMatchObject({ offset: 4, outputs: [{ key: Buffer.from(name(0, 3)) }] });
    expect(await task.idle('quiet')).toEqual({ outputs: [] });
    await task.close('revoked');
    expect(visible(folder)).toEqual([]);
    expect(stagedFiles(folder).length).toBe(1);
  });

  it('a full disk stops the run: nothing is published or committed', async () => {
    const { log, sink, put, folder, descriptors } = await world();
    await put(...numbered(0, 10));
    const shardFormat: ShardFormat = {
      name: 'parquet',
      howToRead: '',
      open: () =>
        Promise.resolve({
          room: (bytes) => new Uint8Array(bytes),
          write: () => Promise.resolve(),
          finish: () => Promise.reject(fatalError('FILE_SINK_DISK_FULL', 'full')),
          abort: () => Promise.resolve(),
        }),
      close: () => Promise.resolve(),
    };
    await expect(log.run(sink({ shardFormat }), { until: 'end' })).rejects.toMatchObject({
      code: 'FILE_SINK_DISK_FULL',
    });
    expect(visible(folder)).toEqual([]);
    expect(await descriptors()).toEqual([]);
    await log.run(sink(), { until: 'end' });
    expect((await collect(readParquet(folder))).length).toBe(10);
  });

  it('tells the format how many rows the last shard of a bounded run will have', async () => {
    const { log, sink, put } = await world();
    await put(...numbered(0, 7));
    const format = createShardFormat({ format: 'parquet' });
    const expected: (number | undefined)[] = [];
    const shardFormat: ShardFormat = {
      ...format,
      open: (options) => {
        expected.push(options.expectedRows);
        return format.open(options);
      },
    };
    await log.run(sink({ shardFormat, shardRows: 5 }), { until: 'end' });
    expect(expected).toEqual([5, 2]);
  });

  it('keeps the shards of several partitions apart in one manifest', async () => {
    const { log, sink, put, folder, descriptors } = await world('npy', 3);
    await put(...numbered(0, 100));
    await log.run(sink({ dtype: 'fp32' }), { until: 'end' });
    const shards = await descriptors();
    expect(new Set(shards.map((shard) => shard.partition))).toEqual(new Set([0, 1, 2]));
    const ids = (await collect(readNpy(folder))).map((row) => row.id);
    expect(ids.sort()).toEqual(
      numbered(0, 100)
        .map(([id]) => `object-${id}`)
        .sort(),
    );
    expect(manifestOf(folder).shards.map((shard) => shard.name)).toEqual(shards.map((shard) => shard.name));
  });

  it('fp16 shards have a sink and a folder of their own', async () => {
    const { log, sink, put, folder } = await world('npy');
    await put(...numbered(0, 3));
    const half = sink({ dtype: 'fp16' });
    await log.run(half, { until: 'end' });
    expect([half.sinkName, half.folder]).toEqual(['npy-fp16-tiny', join(dirname(dirname(folder)), 'npy-fp16', 'tiny')]);
    expect((await collect(readNpy(half.folder))).map((row) => row.vector)).toEqual(
      [0, 1, 2].map((i) => embedding(i, DIMENSION).vector),
    );
    expect(() => sink({ format: 'parquet', dtype: 'fp16' })).toThrow('fp16 is for npy');
  });

  it('cuts shards as if what is no embedding were not there, and answers for it with a dead letter', async () => {
    const { log, sink, put, descriptors } = await world();
    await put(...numbered(0, 4));
    const producer = await log.producer('poison');
    const poison = (id: string): Promise<unknown> =>
      producer.append([{ topic: input, key: Buffer.from(id), value: Buffer.from(`none ${id}`) }]);
    await poison('p1');
    await put(...numbered(4, 12));
    await poison('p2');
    const run = sink();
    await log.run(run, { until: 'end' });
    expect((await descriptors()).map((shard) => [shard.name, shard.rows])).toEqual([
      [name(0, 10), 10],
      [name(11, 12), 2],
    ]);
    expect(run.stats()).toMatchObject({ rows: 12, deadLettered: 2, deadLettersByReason: { CODEC_NOT_FRAMED: 2 } });
    const committed = (await log.groups())[0]?.committed;
    expect(committed).toMatchObject([{ offset: 14 }]);
    const letters: string[] = [];
    for await (const { records } of log.read(topics.deadLetters, 0, 0, 10))
      for (const { key, value } of records)
        letters.push(`${Buffer.from(key!).toString()} ${Buffer.from(value!).toString()}`);
    expect(letters).toEqual(['p1 none p1', 'p2 none p2']);
    await log.run(sink(), { until: 'end' });
    expect((await log.topics()).find((topic) => topic.name === topics.deadLetters)?.partitionInfo[0]?.endOffset).toBe(
      2,
    );
  });
});
