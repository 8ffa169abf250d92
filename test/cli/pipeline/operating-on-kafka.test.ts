import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { createKafkaLog } from '../../../src/log/kafka/kafka-log.ts';
import { describeWithService, kafkaBrokers } from '../../services/index.ts';
import { documentRow, HASHED, newPlace, numbers, onlyJson, until, type CommandJson, type Place } from './runner.ts';

interface KafkaPlace {
  readonly place: Place;
  readonly brokers: string[];
  readonly namespace: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly json: (...args: string[]) => Promise<CommandJson>;
}

async function kafkaPlace(): Promise<KafkaPlace> {
  const place = newPlace();
  const brokers = await kafkaBrokers();
  const namespace = `operating-${randomUUID().slice(0, 8)}`;
  const environment = { KAFKA_BROKERS: brokers.join(','), EMBEDSTREAM_NAMESPACE: namespace };
  const json = async (...args: string[]): Promise<CommandJson> => {
    const { code, stdout, stderr } = await place.start([...args, '--json'], { environment }).ended;
    expect([code, stderr, args]).toMatchObject([0, expect.any(String), args]);
    return onlyJson(stdout, stderr);
  };
  return { place, brokers, namespace, environment, json };
}

/** Something else writes what is no record. */
async function appendByHand({ brokers, namespace }: KafkaPlace, key: string, value: Buffer): Promise<void> {
  const log = await createKafkaLog({ connection: { brokers, clientId: 'by-hand' }, prefix: `${namespace}.` });
  const producer = await log.producer(`${namespace}.by-hand`);
  await producer.append([{ topic: `${namespace}.records`, key: Buffer.from(key), value }]);
  await producer.close();
  await log.close();
}

describeWithService('kafka', 'operating a pipeline on Kafka', () => {
  it('shows members and lag, retries dead letters, and replays from a time', async () => {
    const kafka = await kafkaPlace();
    const { place, environment, json } = kafka;
    place.writeRows(
      'documents.csv',
      numbers(0, 60).map((i) => documentRow(i)),
    );
    await json('produce', '--source=documents.csv', '--partitions=3');
    await appendByHand(kafka, 'corrupt', Buffer.from('no record'));
    const processing = place.start(['process', HASHED, '--follow'], { environment });
    const group = { group: `${kafka.namespace}.processor.hashed-384` };
    const groupsNow = async (): Promise<readonly Readonly<Record<string, unknown>>[]> => {
      const { groups } = (await json('status', '--interval=0.1')) as unknown as { groups: never[] };
      return groups;
    };
    await until(async () =>
      (await groupsNow()).some(({ lag, members }) => lag === 0 && (members as unknown[]).length > 0),
    );
    expect(await groupsNow()).toMatchObject([
      { ...group, lag: 0, recordsPerSecond: expect.any(Number) as number, members: [{ assigned: [{}, {}, {}] }] },
    ]);
    processing.child.kill('SIGTERM');
    expect((await processing.ended).code).toBe(130);
    expect(await groupsNow()).toMatchObject([{ ...group, recordsPerSecond: 0, members: [] }]);

    const letters = async (): Promise<unknown> => await json('dead-letters', 'list');
    expect(await letters()).toMatchObject({ letters: [{ id: 'corrupt', reason: 'CODEC_NOT_FRAMED', state: 'open' }] });
    // Not two, of which one is the end of a transaction.
    expect(await json('status')).toMatchObject({ deadLetters: { total: 1, sampled: 1 } });
    expect(await json('dead-letters', 'show', 'corrupt')).toMatchObject({ value: { form: 'text', text: 'no record' } });
    expect(await json('dead-letters', 'retry')).toMatchObject({ published: 1 });
    expect(await json('dead-letters', 'retry')).toMatchObject({ published: 0, states: { retried: 1 } });
    expect(await json('reconcile')).toMatchObject({
      models: [{ records: 61, embedded: 60, deadLettered: 0, retried: 1 }],
    });
    const failed = await place.start(['process', HASHED, '--json'], { environment }).ended;
    expect(onlyJson(failed.stdout, failed.stderr).processed).toMatchObject([{ read: 1, deadLettered: 1 }]);
    expect(await letters()).toMatchObject({
      letters: [
        { id: 'corrupt', state: 'open', attempt: 2 },
        { id: 'corrupt', state: 'superseded', attempt: 1 },
      ],
    });

    const sink = ['parquet', HASHED, '--shard-rows=5'];
    await json('sink', ...sink);
    const since = new Date().toISOString();
    place.writeRows(
      'documents.csv',
      numbers(0, 70).map((i) => documentRow(i)),
    );
    await json('produce', '--source=documents.csv');
    await json('process', HASHED);
    await json('sink', ...sink);
    const replayed = await json('replay', '--sink=parquet', ...sink.slice(1), `--from=${since}`);
    expect(replayed.sunk).toMatchObject([{ embeddings: 10 }]);
    const rows = await place.rows('data', 'parquet', 'hashed-384');
    expect(rows.map(({ id }) => id).sort()).toEqual(
      numbers(0, 70)
        .map((i) => `d${i}`)
        .sort(),
    );
    expect(await json('reconcile')).toMatchObject({ differences: 0 });
  });
});
