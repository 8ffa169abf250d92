import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { readParquet } from '../../../src/sinks/readers/read-parquet.ts';
import {
  describeWithService,
  restartableS3,
  s3Environment,
  type OwnServer,
  type S3Server,
} from '../../services/index.ts';
import { BucketWorld } from './bucket-world.ts';
import { TestBucket } from './test-bucket.ts';

describeWithService('own-s3', 'a sink whose object storage is killed', () => {
  let server: OwnServer<S3Server>;
  beforeAll(async () => {
    server = await restartableS3();
  }, 300_000);
  afterAll(async () => {
    await server.remove();
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('goes on when it is back, with what it had sent and what it had not', { timeout: 120_000 }, async () => {
    for (const [name, value] of Object.entries(s3Environment(server.address))) vi.stubEnv(name, value);
    const bucket = await TestBucket.create(server.address);
    const world = new BucketWorld(bucket);
    await world.putRows(0, 10);
    const sent = await world.stage();
    await world.commit(sent.progress);
    await server.kill();
    const published = sent.task.committed?.(sent.progress);
    await server.start();
    await published;
    await world.putRows(10, 30);
    await server.kill();
    const running = world.log.run(world.sink(), { until: 'end' });
    await server.start();
    await running;
    expect(await world.rows(readParquet)).toHaveLength(30);
    expect(await bucket.uploads()).toEqual([]);
    bucket.close();
  });
});
