import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { codec, collect, embedding, temporaryFolder, wire } from './fixtures.ts';
import { createMemoryLog } from '../../src/log/memory/memory-log.ts';
import type { Log, OutputRecord } from '../../src/log/port.ts';
import { compactedTopic } from '../../src/log/topics.ts';
import type { Manifest } from '../../src/sinks/manifest.ts';
import { readNpy } from '../../src/sinks/readers/read-npy.ts';
import { readParquet } from '../../src/sinks/readers/read-parquet.ts';
import { writeSnapshot } from '../../src/sinks/snapshot.ts';

const topic = 'test.embeddings.tiny';

async function logWith(...records: readonly (readonly [id: number, version: number | undefined])[]): Promise<Log> {
  const log = createMemoryLog();
  await log.ensureTopics([compactedTopic(topic, 2)]);
  const producer = await log.producer('test');
  await producer.append(
    records.map(([id, version]): OutputRecord => {
      const value = version === undefined ? null : wire(embedding(id, 4, { createdAt: version }));
      return { topic, key: Buffer.from(`object-${id}`), value };
    }),
  );
  await producer.close();
  return log;
}

const base = { codec, topic, model: 'tiny', dimension: 4, shardRows: 10, clock: () => 1 } as const;

describe('a snapshot', () => {
  it.each(['parquet', 'npy'] as const)('in %s holds the latest live embedding of each id, once', async (format) => {
    const first = Array.from({ length: 40 }, (_, i) => [i, 1] as const);
    const log = await logWith(...first, [3, 2], [4, undefined], [5, undefined], [5, 3], [3, 4]);
    const parent = temporaryFolder();
    const folder = join(parent, 'snap');
    const result = await writeSnapshot({ ...base, format, log, folder });
    expect(readdirSync(parent)).toEqual(['snap']);
    const rows = await collect(format === 'parquet' ? readParquet(folder) : readNpy(folder));
    const versions = new Map(rows.map((row) => [row.id, row.createdAt]));
    const expected = new Map(first.map(([id]) => [`object-${id}`, 1]));
    expected.delete('object-4');
    expected.set('object-3', 4).set('object-5', 3);
    expect(rows.length).toBe(39);
    expect(versions).toEqual(expected);
    const manifest = JSON.parse(readFileSync(join(folder, '_manifest.json'), 'utf8')) as Manifest;
    expect(manifest).toMatchObject({ rows: 39, deletions: 0, format });
    expect(result).toMatchObject({ folder, rows: 39, shards: manifest.shards.length });
    expect(manifest.shards.every((shard) => shard.rows <= 10)).toBe(true);
    const files = manifest.shards.flatMap((shard) => shard.files.map((file) => file.name));
    expect(readdirSync(folder).sort()).toEqual([...files, '_manifest.json'].sort());
  });

  it('never touches a folder that is there, and leaves nothing behind when it fails', async () => {
    const log = await logWith([1, 1]);
    const parent = temporaryFolder();
    const folder = join(parent, 'snap');
    mkdirSync(folder);
    await expect(writeSnapshot({ ...base, format: 'npy', log, folder })).rejects.toMatchObject({ code: 'USAGE' });
    const other = join(parent, 'other');
    const wrong = writeSnapshot({ ...base, format: 'npy', log, folder: other, dimension: 5 });
    await expect(wrong).rejects.toMatchObject({ code: 'FILE_SINK_DIMENSION' });
    expect(readdirSync(parent)).toEqual(['snap']);
  });

  it('notices when compaction takes a record away between its two passes', async () => {
    const log = await logWith([1, 1], [2, 1]);
    let reads = 0;
    const racing: Log = Object.create(log) as Log;
    racing.read = async function* (name, partition, from, to, options) {
      reads++;
      for await (const batch of log.read(name, partition, from, to, options)) {
        yield { ...batch, records: reads % 2 === 0 ? [] : batch.records };
      }
    };
    racing.topics = () => log.topics();
    const folder = join(temporaryFolder(), 'snap');
    await expect(writeSnapshot({ ...base, format: 'parquet', log: racing, folder })).rejects.toMatchObject({
      code: 'FILE_SINK_SNAPSHOT_RACED',
      retriable: true,
    });
  });
});
