import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { discardShards } from '../../../src/sinks/discard-shards.ts';
import { sha256OfFile } from '../../../src/sinks/publish.ts';
import { readNpy } from '../../../src/sinks/readers/read-npy.ts';
import { readParquet } from '../../../src/sinks/readers/read-parquet.ts';
import { BucketReader } from '../../../src/sinks/s3/bucket-reader.ts';
import { Bucket } from '../../../src/sinks/s3/bucket.ts';
import { completeUpload, uploadFile } from '../../../src/sinks/s3/uploads.ts';
import { writeSnapshot } from '../../../src/sinks/snapshot.ts';
import { pythonEnvironment, runPython } from '../../python/environment.ts';
import { itWithPython } from '../../python/with-python.ts';
import { describeWithService, s3Environment, s3Server, type S3Server } from '../../services/index.ts';
import { codec, temporaryFolder, vectorOf } from '../fixtures.ts';
import { BucketWorld, DIMENSION, input, shardName } from './bucket-world.ts';
import { TestBucket } from './test-bucket.ts';

const MANIFEST = '_manifest.json';
const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `object-${i}`);
const parquet = (...shards: string[]): string[] => shards.map((shard) => `${shard}.parquet`);

describeWithService('s3', 'a sink that writes to a bucket', () => {
  let server: S3Server;
  let bucket: TestBucket;
  beforeAll(async () => {
    server = await s3Server();
  }, 300_000);
  beforeEach(async () => {
    for (const [name, value] of Object.entries({ ...s3Environment(server), AWS_MAX_ATTEMPTS: '2' }))
      vi.stubEnv(name, value);
    bucket = await TestBucket.create(server);
  });
  afterEach(() => {
    bucket.close();
    vi.unstubAllEnvs();
  });

  it('sends before the commit what is seen only after it', async () => {
    const world = new BucketWorld(bucket);
    await world.putRows(0, 15);
    const { task, progress } = await world.stage();
    expect(await bucket.keys()).toEqual([]);
    expect(await bucket.uploads()).toHaveLength(2);
    await world.commit(progress);
    await task.committed?.(progress);
    expect(await world.objects()).toEqual([MANIFEST, ...parquet(shardName(0, 9), shardName(10, 14))]);
    expect(await bucket.uploads()).toEqual([]);
    expect(await world.rows(readParquet)).toEqual(ids(15));
    const [shard] = await world.descriptors();
    expect(shard).toMatchObject({ location: `${bucket.url}/out/parquet/tiny`, rows: 10 });
    expect(shard?.files[0]?.upload?.parts).toHaveLength(1);
    const manifest = JSON.parse(Buffer.from(await bucket.bytes(`${world.prefix}${MANIFEST}`)).toString()) as object;
    expect(manifest).toMatchObject({ rows: 15, shards: [{ files: [{ name: `${shardName(0, 9)}.parquet` }] }, {}] });
    expect(JSON.stringify(manifest)).not.toContain('upload');
  });

  it('killed between sending and commit: what was sent is aborted, and written once', async () => {
    const world = new BucketWorld(bucket);
    await world.putRows(0, 15);
    await world.stage();
    // The tail is cut elsewhere this time.
    await world.putRows(15, 18);
    await world.log.run(world.sink(), { until: 'end' });
    expect(await bucket.uploads()).toEqual([]);
    expect(await world.objects()).toEqual([MANIFEST, ...parquet(shardName(0, 9), shardName(10, 17))]);
    expect(await world.rows(readParquet)).toEqual(ids(18));
  });

  it('killed between commit and completion, or after each completion: the next start does the rest', async () => {
    for (let completed = 0; completed <= 3; completed++) {
      const world = new BucketWorld(await TestBucket.create(server), 'npy');
      await world.putRows(0, 9);
      await world.put([3, false]);
      await world.commit((await world.stage()).progress);
      const [shard] = await world.descriptors();
      expect(shard?.files).toHaveLength(3);
      const place = new Bucket(`${world.bucket.url}/${world.prefix}`, process.env);
      for (const file of shard?.files.slice(0, completed) ?? []) await completeUpload(place, file);
      await world.stage();
      expect(await world.objects()).toEqual([MANIFEST, ...(shard?.files.map(({ name }) => name) ?? [])].sort());
      expect(await world.bucket.uploads()).toEqual([]);
      expect(await world.rows(readNpy)).toEqual(ids(9));
      await place.close();
      world.bucket.close();
    }
  });

  it('a frozen owner publishes nothing that it has not committed, and what it has may come twice', async () => {
    const world = new BucketWorld(bucket);
    await world.putRows(0, 15);
    const frozen = await world.stage();
    await world.log.run(world.sink(), { until: 'end' });
    const before = await world.objects();
    // What it has sent is gone: even if its commit had not been refused, it could publish nothing.
    await expect(frozen.task.committed?.(frozen.progress)).resolves.toBeUndefined();
    expect(await world.objects()).toEqual(before);
    await world.putRows(15, 20);
    const slow = await world.stage();
    await world.commit(slow.progress);
    await world.log.run(world.sink(), { until: 'end' });
    await slow.task.committed?.(slow.progress);
    expect(await world.rows(readParquet)).toHaveLength(20);
    expect(await bucket.uploads()).toEqual([]);
  });

  it('aborts no upload of another partition, another folder or anybody else', async () => {
    const world = new BucketWorld(bucket);
    await world.putRows(0, 3);
    const own = `${world.prefix}${shardName(0, 1)}.parquet`;
    const others = [
      `${world.prefix}${shardName(0, 1, 1)}.parquet`,
      `${world.prefix}${shardName(0, 1, 10)}.parquet`,
      `${world.prefix}deeper/${shardName(0, 1)}.parquet`,
      `${world.prefix}holiday.mp4`,
      `out/parquet/other/${shardName(0, 1)}.parquet`,
    ];
    for (const Key of [own, ...others]) await bucket.s3.createMultipartUpload({ Bucket: bucket.name, Key });
    await world.log.run(world.sink(), { until: 'end' });
    expect(await bucket.uploads()).toEqual(others.sort());
  });

  it('never overwrites a foreign object, and goes on once it is moved away', async () => {
    const world = new BucketWorld(bucket);
    await world.putRows(0, 10);
    const { progress } = await world.stage();
    await world.commit(progress);
    const foreign = { Bucket: bucket.name, Key: `${world.prefix}${shardName(0, 9)}.parquet` };
    await bucket.s3.putObject({ ...foreign, Body: 'mine' });
    for (let round = 0; round < 2; round++)
      await expect(world.log.run(world.sink(), { until: 'end' })).rejects.toMatchObject({
        code: 'FILE_SINK_OBSTRUCTED',
        message: expect.stringContaining(`${shardName(0, 9)}.parquet`) as string,
      });
    expect(Buffer.from(await bucket.bytes(foreign.Key)).toString()).toBe('mine');
    await bucket.s3.deleteObject(foreign);
    await world.log.run(world.sink(), { until: 'end' });
    expect(await world.rows(readParquet)).toEqual(ids(10));
  });

  it('names a committed object that is gone, and replay gives the same names and bytes', async () => {
    const world = new BucketWorld(bucket);
    await world.putRows(0, 15);
    await world.log.run(world.sink(), { until: 'end' });
    const before = await world.descriptors();
    await bucket.s3.deleteObject({ Bucket: bucket.name, Key: `${world.prefix}${shardName(0, 9)}.parquet` });
    await expect(world.log.run(world.sink(), { until: 'end' })).rejects.toMatchObject({
      code: 'FILE_SINK_SHARD_MISSING',
      message: expect.stringMatching(/0009\.parquet.*replay/) as string,
    });
    await discardShards(world.options);
    expect(await world.objects()).toEqual([MANIFEST]);
    await world.log.run(world.sink(), { until: 'end' });
    const plain = (shards: typeof before): unknown =>
      shards.map(({ files, ...rest }) => ({ ...rest, files: files.map(({ name, sha256 }) => ({ name, sha256 })) }));
    expect(plain(await world.descriptors())).toEqual(plain(before));
  });

  it('sends large files in parts, which the server has checked, and tells damage', async () => {
    const path = join(temporaryFolder(), 'large.bin');
    writeFileSync(path, randomBytes(20 * 1024 * 1024 + 7));
    const file = { name: 'large.bin', bytes: 20 * 1024 * 1024 + 7, sha256: await sha256OfFile(path) };
    const place = new Bucket(`${bucket.url}/big`, process.env);
    const sent = { ...file, upload: await uploadFile(place, file, path) };
    expect(sent.upload.parts).toHaveLength(3);
    await completeUpload(place, sent);
    await completeUpload(place, sent);
    const reader = new BucketReader(`${bucket.url}/big`, process.env);
    expect(await reader.verify(sent)).toBeUndefined();
    const copy = await reader.open('large.bin');
    expect(await sha256OfFile(copy?.path ?? '')).toBe(file.sha256);
    await copy?.release();
    const key = { Bucket: bucket.name, Key: 'big/large.bin' };
    // Copied by other means it has no checksum of ours, and is read.
    const body = await bucket.bytes(key.Key);
    await bucket.s3.putObject({ ...key, Body: body });
    expect(await reader.verify(sent)).toBeUndefined();
    body[9] = (body[9] ?? 0) ^ 1;
    await bucket.s3.putObject({ ...key, Body: body });
    expect(await reader.verify(sent)).toBe('checksum');
    await bucket.s3.putObject({ ...key, Body: 'short' });
    expect(await reader.verify(sent)).toBe('size');
    await bucket.s3.deleteObject(key);
    expect([await reader.verify(sent), await reader.open('large.bin'), await reader.list()]).toEqual([
      'missing',
      undefined,
      undefined,
    ]);
    await Promise.all([place.close(), reader.close()]);
  });

  it('writes a snapshot to a new prefix, its manifest last', async () => {
    const world = new BucketWorld(bucket);
    await world.putRows(0, 25);
    await world.put([7, false]);
    const folder = `${bucket.url}/snapshots/one`;
    const options = { ...world.options, topic: input, dimension: DIMENSION, folder, shardRows: 10 };
    expect(await writeSnapshot(options)).toMatchObject({ folder, rows: 24, shards: 3 });
    expect((await bucket.keys('snapshots/one/')).at(0)).toBe(`snapshots/one/${MANIFEST}`);
    await expect(writeSnapshot(options)).rejects.toThrow('is there already');
    await expect(
      writeSnapshot({ ...options, folder: `${bucket.url}/snapshots/two`, signal: AbortSignal.abort() }),
    ).rejects.toThrow();
    expect([await bucket.keys('snapshots/two/'), await bucket.uploads()]).toEqual([[], []]);
  });

  itWithPython('is read by pyarrow where it lies', async () => {
    const world = new BucketWorld(bucket);
    await world.putRows(0, 25);
    await world.log.run(world.sink(), { until: 'end' });
    const environment = await pythonEnvironment();
    if (!('python' in environment)) throw new Error(environment.missing);
    const where = [server.url, server.accessKeyId, server.secretAccessKey, `${bucket.name}/${world.prefix}`];
    expect(await runPython(environment.python, 'read_bucket.py', where)).toEqual({
      ids: ids(25),
      vectors: ids(25).map((_, i) => [...vectorOf(i, DIMENSION)]),
    });
  });

  it.each([
    ['no such bucket', {}, 's3://nobody-has-this-bucket/x', 'OBJECT_STORE_NO_BUCKET', 'There is no such bucket'],
    [
      'a wrong secret',
      { AWS_SECRET_ACCESS_KEY: 'wrong-7' },
      '',
      'OBJECT_STORE_BAD_CREDENTIALS',
      'credentials are wrong',
    ],
    ['an unknown key', { AWS_ACCESS_KEY_ID: 'nobody' }, '', 'OBJECT_STORE_BAD_CREDENTIALS', 'credentials are wrong'],
    ['a wrong region', { AWS_REGION: 'eu-west-1' }, '', 'OBJECT_STORE_WRONG_REGION', 'AWS_REGION'],
    ['nobody there', { AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9' }, '', 'OBJECT_STORE_AWAY', 'AWS_ENDPOINT_URL_S3'],
  ])('names %s', async (_, changes, location, code, text) => {
    for (const [name, value] of Object.entries(changes)) vi.stubEnv(name, value);
    const reader = new BucketReader(location === '' ? bucket.url : location, process.env);
    const failure: unknown = await reader.list().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code, message: expect.stringContaining(text) as string });
    expect(String(failure)).not.toContain(process.env['AWS_SECRET_ACCESS_KEY']);
    await reader.close();
  });

  it('reads descriptors of uploads from the log again', async () => {
    const world = new BucketWorld(bucket);
    await world.putRows(0, 10);
    const { progress } = await world.stage();
    const [output] = progress.outputs;
    const shard = codec.decodeShardDescriptor(output?.value ?? new Uint8Array());
    expect(shard.files[0]?.upload?.parts[0]).toMatchObject({ sha256: shard.files[0]?.sha256 });
  });
});
