import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithService } from './index.ts';

const CLI = join(import.meta.dirname, 'cli.ts');
const run = promisify(execFile);

describeWithService('own-kafka', 'npm run services', () => {
  let root: string;
  const services = async (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> => {
    const call = run(process.execPath, ['--disable-warning=ExperimentalWarning', CLI, ...args, `--root=${root}`]);
    return call.then(
      (output) => ({ code: 0, ...output }),
      (error: unknown) => error as { code: number; stdout: string; stderr: string },
    );
  };
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'embedstream-services-'));
  });
  afterAll(async () => {
    await services('down', '--wipe');
    rmSync(root, { recursive: true });
  });

  it('brings Kafka up once, with data that outlive down, and tells what to export', async () => {
    expect(await services('status')).toMatchObject({ code: 1, stdout: '' });
    const { stdout } = await services('up', 'kafka');
    const [, broker = ''] = /^export KAFKA_BROKERS=(127\.0\.0\.1:\d+)\n$/.exec(stdout) ?? [];
    const admin = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING, connectionTimeout: 20_000 }).admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: 'kept' }] });
    await admin.disconnect();

    expect((await services('up', 'kafka')).stdout).toBe(stdout);
    expect((await services('status')).stdout).toBe(stdout);

    expect((await services('down')).stderr).toContain('kafka: ended');
    expect((await services('down')).stderr).toContain('kafka: did not run');
    const again = (await services('up', 'kafka')).stdout.replace('export KAFKA_BROKERS=', '').trim();
    const later = new Kafka({ brokers: [again], logLevel: logLevel.NOTHING, connectionTimeout: 20_000 }).admin();
    await later.connect();
    expect(await later.listTopics()).toEqual(['kept']);
    await later.disconnect();
  }, 240_000);

  it('refuses what it does not know', async () => {
    expect(await services('up', 'cassandra')).toMatchObject({ code: 2, stdout: '' });
    expect(await services('sideways')).toMatchObject({ code: 2, stdout: '' });
    const { code, stderr } = await services('up', '--verbose');
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/^Unknown option '--verbose'\. usage: .*\n$/) as string,
    });
  });
});
