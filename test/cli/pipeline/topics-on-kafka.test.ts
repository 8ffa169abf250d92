import { expect, it } from 'vitest';
import { hasPython, itWithPython } from '../../python/with-python.ts';
import { describeWithService } from '../../services/index.ts';
import { placeOnKafka } from './on-kafka.ts';
import { documentRow, HASHED, numbers, until } from './runner.ts';

const MIB_10 = String(10 * 1024 * 1024);

type Settings = Readonly<Record<string, { readonly settings: Readonly<Record<string, string>> }>>;

describeWithService('kafka', 'topics on Kafka', () => {
  it('are made with the right settings beforehand, as another program sees, and used as they are', async () => {
    const kafka = await placeOnKafka();
    const { place, namespace, done } = kafka;
    const wanted = ['--model=hashed-384', '--source=documents', '--sink=parquet,npy-single', '--partitions=4'];
    const plan = await done('topics', 'plan', ...wanted);
    expect(plan).toMatchObject({ partitions: 4, problems: [], steps: { length: 7 } });
    await done('topics', 'apply', ...wanted);
    expect(await done('topics', 'plan', ...wanted)).toEqual({ partitions: 4, problems: [], steps: [] });
    if (hasPython) {
      const compacted = {
        'cleanup.policy': 'compact',
        'compression.type': 'uncompressed',
        'delete.retention.ms': '604800000',
        'max.message.bytes': MIB_10,
        'min.insync.replicas': '1',
      };
      const four = { partitions: 4, copies: 1, settings: compacted };
      const zstd = { ...four, settings: { ...compacted, 'compression.type': 'zstd' } };
      const kept = Object.entries(zstd.settings).filter(([name]) => name !== 'delete.retention.ms');
      expect(await kafka.admin('describe', `${namespace}.`)).toEqual({
        [`${namespace}.records`]: zstd,
        [`${namespace}.dead-letters`]: {
          ...four,
          settings: { ...Object.fromEntries(kept), 'cleanup.policy': 'delete', 'retention.ms': '31536000000' },
        },
        [`${namespace}.embeddings.hashed-384`]: four,
        [`${namespace}.ledger.hashed-384`]: four,
        [`${namespace}.ledger.source.documents`]: four,
        [`${namespace}.shards.parquet-hashed-384`]: zstd,
        [`${namespace}.shards.npy-single-hashed-384`]: zstd,
      });
    }
    place.writeRows(
      'documents.csv',
      numbers(0, 20).map((i) => documentRow(i)),
    );
    await done('embed', '--source=documents.csv', HASHED, '--sink=parquet,npy-single');
    expect((await done('status')).topics.map(({ partitions }) => partitions)).toEqual([4, 4, 4, 4, 4, 4, 4]);
    expect(await done('topics')).toMatchObject({ problems: [], steps: [], topics: { length: 7 } });
  }, 120_000);

  itWithPython(
    'that others made are mended, or refused by every command with the command that mends them',
    async () => {
      const kafka = await placeOnKafka();
      const { admin, namespace, done, ended, place } = kafka;
      place.writeRows(
        'documents.csv',
        numbers(0, 10).map((i) => documentRow(i)),
      );
      await admin('create', `${namespace}.records`, '3', 'cleanup.policy=delete', 'retention.ms=1000');
      const lossy = await ended('produce', '--source=documents.csv');
      expect(lossy).toMatchObject({ code: 1, json: { error: { code: 'LOG_TOPIC_SETTINGS' } } });
      expect(lossy.json.error?.message).toContain(`embedstream topics apply --namespace=${namespace}`);

      await admin('create', `${namespace}.dead-letters`, '5', 'cleanup.policy=delete', 'segment.ms=123456789');
      const mixed = await ended('produce', '--source=documents.csv');
      expect(mixed).toMatchObject({ code: 1, json: { error: { code: 'LOG_PARTITION_MISMATCH' } } });
      expect(mixed.json.error?.message).toContain(`embedstream topics apply --namespace=${namespace}`);
      for (const command of [['reconcile'], ['sink', 'parquet', HASHED], ['dead-letters'], ['process', HASHED]])
        expect(await ended(...command), command[0]).toMatchObject({
          code: 1,
          json: { error: { code: 'LOG_PARTITION_MISMATCH' } },
        });

      const { steps } = (await done('topics', 'plan')) as unknown as { steps: readonly { step: string }[] };
      expect(steps.map(({ step }) => step)).toEqual(['recreate', 'alter']);
      await done('topics', 'apply');
      expect(await done('topics', 'plan')).toMatchObject({ problems: [], steps: [] });
      await done('produce', '--source=documents.csv');

      // What does no harm yet is said once, and the rest of the settings stays as it was.
      const records = `${namespace}.records`;
      await admin('set', records, 'max.message.bytes=2000000', 'segment.ms=123456789');
      // Brokers hear of it a moment later.
      const limit = async (): Promise<unknown> =>
        ((await admin('describe', records)) as Settings)[records]?.settings['max.message.bytes'];
      await until(async () => (await limit()) === '2000000');
      const processed = await kafka.start('process', HASHED).ended;
      const warnings = processed.stderr.split('\n').filter((line) => line.includes('max.message.bytes is 2000000'));
      expect({ ...processed, warnings }).toMatchObject({ code: 0, warnings: { length: 1 } });
      await done('topics', 'apply');
      expect(await admin('describe', records)).toMatchObject({
        [records]: { partitions: 3, settings: { 'max.message.bytes': MIB_10, 'segment.ms': '123456789' } },
      });
      expect(await done('reconcile')).toMatchObject({ differences: 0 });
    },
    180_000,
  );

  it('are deleted when that is meant, and nobody is at work', async () => {
    const { namespace, start, done, ended, place } = await placeOnKafka();
    place.writeRows('documents.csv', [documentRow(0)]);
    await done('produce', '--source=documents.csv', '--partitions=2');
    const following = start('process', HASHED, '--follow');
    const isRunning = async (): Promise<boolean> => {
      const { groups } = (await done('status', '--interval=0.1')) as unknown as { groups: { members: unknown[] }[] };
      return groups.some(({ members }) => members.length > 0);
    };
    while (!(await isRunning())) expect(following.child.exitCode).toBeNull();
    const running = await ended('topics', 'delete', '--yes');
    expect(running, running.stdout).toMatchObject({
      code: 1,
      json: { error: { code: 'NAMESPACE_IN_USE' } },
    });
    following.child.kill('SIGTERM');
    await following.ended;
    const refused = await ended('topics', 'delete');
    expect(refused).toMatchObject({ code: 2, json: { error: { code: 'USAGE' } } });
    expect(refused.json.error?.message).toContain(`${namespace}.records`);
    const { deleted } = (await done('topics', 'delete', '--yes')) as unknown as { deleted: string[] };
    expect(deleted).toContain(`${namespace}.records`);
    expect(await done('topics')).toMatchObject({ topics: [] });
    // And all can begin again.
    await done('embed', '--source=documents.csv', HASHED, '--partitions=3', '--sink=parquet');
  }, 120_000);
});
