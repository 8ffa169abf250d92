import { expect, it } from 'vitest';
import { createCodec } from '../../../src/codec/create-codec.ts';
import { createKafkaLog } from '../../../src/log/kafka/kafka-log.ts';
import { partitionOf } from '../../../src/log/partitioner.ts';
import type { Log, OutputRecord } from '../../../src/log/port.ts';
import { sha256 } from '../../../src/record/identity.ts';
import type { ContentHash, RecordId } from '../../../src/record/types.ts';
import { hasPython, itWithPython } from '../../python/with-python.ts';
import { describeWithService } from '../../services/index.ts';
import { placeOnKafka, type PlaceOnKafka } from './on-kafka.ts';
import { documentRow, HASHED, numbers, until } from './runner.ts';

const codec = createCodec();

async function withLog<Result>(
  { brokers, namespace }: PlaceOnKafka,
  body: (log: Log) => Promise<Result>,
): Promise<Result> {
  const log = await createKafkaLog({ connection: { brokers, clientId: 'by-hand' }, prefix: `${namespace}.` });
  try {
    return await body(log);
  } finally {
    await log.close();
  }
}

async function appendByHand(kafka: PlaceOnKafka, outputs: readonly OutputRecord[]): Promise<void> {
  await withLog(kafka, async (log) => {
    const producer = await log.producer(`${kafka.namespace}.by-hand`);
    await producer.append(outputs);
    await producer.close();
  });
}

/** A record as another program would write it. */
function valueOf(id: string, text: string): Uint8Array {
  const textHash = sha256(text).toString('hex') as ContentHash;
  const record = { id: id as RecordId, source: 'by-hand', text, textHash, metadata: new Map(), createdAt: 1 };
  return Uint8Array.from(codec.encodeSourceRecord(record));
}

/** [id, text, vector] of all rows, sorted. */
async function rowsIn({ place }: PlaceOnKafka, ...names: string[]): Promise<unknown[]> {
  const rows = await place.rows(...names);
  const latest = new Map(rows.map(({ id, text, vector }) => [id, [id, text, [...vector]]]));
  return [...latest.keys()].sort().map((id) => latest.get(id));
}

describeWithService('kafka', 'a copy into another number of partitions', () => {
  it('has everything, each id where it belongs; nothing is embedded again', async () => {
    const kafka = await placeOnKafka();
    const { place, namespace, done, ended, admin } = kafka;
    const rows = (from: number, to: number, text?: string): void => {
      place.writeRows(
        'documents.csv',
        numbers(from, to).map((i) => documentRow(i, i % 7 === 0 ? text : undefined)),
      );
    };
    rows(0, 200);
    const embed = ['embed', '--source=documents.csv', HASHED, '--sink=parquet'];
    await done(...embed, '--partitions=3');
    rows(5, 220, 'changed');
    await appendByHand(kafka, [
      { topic: `${namespace}.records`, key: Buffer.from('corrupt'), value: Buffer.from('no record') },
    ]);
    await ended('process', HASHED);
    await ended(...embed, '--prune', '--yes');
    await done('dead-letters', 'retry');
    await ended('process', HASHED);
    const letters = (await done('dead-letters')) as unknown as { letters: { id: string; state: string }[] };
    expect(letters.letters.map(({ state }) => state)).toEqual(['open', 'superseded']);
    const before = await done('reconcile');
    expect(before).toMatchObject({ differences: 0, models: [{ records: 216, embedded: 215, deadLettered: 1 }] });

    const into = `${namespace}-5`;
    const report = await done('topics', 'repartition', '--partitions=5', `--into=${into}`);
    expect(report).toMatchObject({ isFresh: true, partitions: 5, topics: { length: 5 } });
    const copy = `--namespace=${into}`;
    const reconciled = await done('reconcile', copy);
    expect(reconciled).toMatchObject({ differences: 0, models: before['models'], sources: before['sources'] });
    const status = (await done('status', copy)) as unknown as { groups: { lag: number; group: string }[] };
    expect(status.groups).toMatchObject([{ group: `${into}.processor.hashed-384`, lag: 0 }]);
    expect(await done('process', HASHED, copy)).toMatchObject({ processed: [{ read: 0, embedded: 0 }] });
    expect(await done('topics', 'plan', copy)).toMatchObject({ partitions: 5, steps: [], problems: [] });
    const copied = (await done('dead-letters', copy)) as unknown as typeof letters;
    expect(copied.letters.map(({ state }) => state)).toEqual(['open', 'superseded']);
    expect(await done('dead-letters', 'retry', copy)).toMatchObject({ published: 1 });
    expect((await ended('process', HASHED, copy)).json).toMatchObject({ processed: [{ read: 1, deadLettered: 1 }] });

    await done('sink', 'parquet', HASHED, '--out=copy', copy);
    expect(await rowsIn(kafka, 'copy')).toEqual(await rowsIn(kafka, 'data'));
    expect(await done('reconcile', copy)).toMatchObject({ differences: 0 });
    expect(await done('produce', '--source=documents.csv', copy)).toMatchObject({ produced: [{ published: 0 }] });

    // As another program sees it: one version of each id, in the partition that murmur2 gives it.
    for (const topic of hasPython ? ['embeddings.hashed-384', 'ledger.source.documents'] : []) {
      const read = (await admin('read', `${into}.${topic}`)) as [number, number, string, number, boolean][];
      expect(read.filter(([partition, , key]) => partition !== partitionOf(Buffer.from(key), 5))).toEqual([]);
      const live = read.filter(([, , , , isLive]) => isLive).map(([, , key]) => key);
      expect(new Set(live).size).toBe(live.length);
      expect(live.length).toBe(215);
    }
    const again = await ended('topics', 'repartition', '--partitions=5', `--into=${into}`);
    expect(again).toMatchObject({ code: 2, json: { error: { code: 'USAGE' } } });
    expect(again.json.error?.message).toContain('finished copy');
  }, 240_000);

  itWithPython(
    'mends a namespace whose records topic has grown while a producer ran',
    async () => {
      const kafka = await placeOnKafka();
      const { place, namespace, done, ended, start, admin } = kafka;
      const topic = `${namespace}.records`;
      place.writeRows(
        'documents.csv',
        numbers(0, 200).map((i) => documentRow(i)),
      );
      await done('produce', '--source=documents.csv', '--partitions=3');
      await done('process', HASHED);

      place.writeRows(
        'more.csv',
        numbers(200, 40_000).map((i) => documentRow(i)),
      );
      const producing = start('produce', '--source=more.csv', '--json');
      const ends = async (): Promise<number> =>
        withLog(kafka, async (log) => {
          const info = (await log.topics()).find(({ name }) => name === topic);
          return (info?.partitionInfo ?? []).reduce((sum, { endOffset }) => sum + endOffset, 0);
        });
      await until(async () => (await ends()) > 1_000, producing);
      await admin('grow', topic, '6');
      const produced = await producing.ended;
      // It may have been done before it came to know; what it acknowledged then is where its own count says.
      expect([0, 1]).toContain(produced.code);
      if (produced.code === 1) expect(produced.stdout).toContain('LOG_PARTITION_MISMATCH');

      // Another program goes on with six: newer versions, a deletion, a new id.
      const at = (id: string, value: Uint8Array | null): OutputRecord => ({ topic, key: Buffer.from(id), value });
      const moved = numbers(0, 200).filter(
        (i) => partitionOf(Buffer.from(`d${i}`), 3) !== partitionOf(Buffer.from(`d${i}`), 6),
      );
      expect(moved.length).toBeGreaterThan(50);
      const [changed = 0, deleted = 0] = moved;
      await appendByHand(kafka, [
        at(`d${changed}`, valueOf(`d${changed}`, 'a newer text')),
        at(`d${deleted}`, null),
        at('new', valueOf('new', 'a new text')),
      ]);

      const commands = [
        ['produce', '--source=more.csv'],
        ['process', HASHED],
        ['sink', 'parquet', HASHED],
        ['reconcile'],
      ];
      for (const command of [...commands, ['search', 'dragons', HASHED], ['dead-letters']]) {
        const { code, json } = await ended(...command);
        expect({ code, json }, command[0]).toMatchObject({
          code: 1,
          json: { error: { code: 'LOG_PARTITION_MISMATCH' } },
        });
        expect(json.error?.message).toContain(
          `embedstream topics repartition --namespace=${namespace} --partitions=6 --into=NAMESPACE`,
        );
      }
      const { code, json } = await ended('topics', 'plan');
      expect({ code, json }).toMatchObject({ code: 1, json: { steps: [], problems: [{}] } });

      const into = `${namespace}-6`;
      const copy = `--namespace=${into}`;
      await done('topics', 'repartition', '--partitions=6', `--into=${into}`);
      const live = Number((await done('produce', '--source=more.csv', copy)).produced[0]?.['unchanged']);
      expect(live).toBeGreaterThan(1_000);
      // What was embedded is not embedded again, the rest is: the new text, the new id, and what the producer published.
      const processed = await done('process', HASHED, copy);
      expect(processed).toMatchObject({ processed: [{ embedded: 39_800 + 2 }] });
      const wrong = await ended('reconcile', copy);
      // The source says that it published what another program has deleted.
      expect(wrong.json).toMatchObject({
        differences: 1,
        sources: [{ source: 'documents' }, { source: 'more', published: 39_800 }],
        models: [{ records: 200 - 1 + 1 + 39_800, embedded: 200 - 1 + 1 + 39_800 }],
      });
      const search = await done('search', 'a newer text', HASHED, '--limit=1', copy);
      expect(search.matches).toMatchObject([{ id: `d${changed}` }]);
      const letters = await done('produce', '--source=documents.csv', copy);
      expect(letters.produced).toMatchObject([{ unchanged: 200 }]);
    },
    300_000,
  );

  itWithPython(
    'is asked for where all topics have grown, which only the ids show',
    async () => {
      const { place, namespace, done, ended, admin } = await placeOnKafka();
      place.writeRows(
        'documents.csv',
        numbers(0, 50).map((i) => documentRow(i)),
      );
      await done('embed', '--source=documents.csv', HASHED, '--sink=parquet', '--partitions=2');
      for (const { topic } of (await done('status')).topics) await admin('grow', topic, '4');
      for (const command of [
        ['produce', '--source=documents.csv'],
        ['process', HASHED],
      ]) {
        const { code, json } = await ended(...command);
        expect({ code, json }).toMatchObject({ code: 1, json: { error: { code: 'LOG_PARTITION_MISMATCH' } } });
        expect(json.error?.message).toContain(
          `embedstream topics repartition --namespace=${namespace} --partitions=4 --into=NAMESPACE`,
        );
      }
      const copy = `--namespace=${namespace}-4`;
      await done('topics', 'repartition', '--partitions=4', `--into=${namespace}-4`);
      const embed = await done('embed', '--source=documents.csv', HASHED, '--sink=parquet', '--out=copy', copy);
      expect(embed).toMatchObject({ produced: [{ unchanged: 50 }], processed: [{ embedded: 0 }] });
      expect(await done('reconcile', copy)).toMatchObject({ differences: 0, sinks: [{ live: 50 }] });
    },
    120_000,
  );

  it('goes on where it was killed, also with what came since', async () => {
    const kafka = await placeOnKafka();
    const { place, namespace, done, ended, start } = kafka;
    place.writeRows(
      'documents.csv',
      numbers(0, 20_000).map((i) => documentRow(i)),
    );
    await done('produce', '--source=documents.csv', '--partitions=2');
    await done('process', HASHED);
    const into = `${namespace}-3`;
    const copy = `--namespace=${into}`;
    const repartition = ['topics', 'repartition', '--partitions=3', `--into=${into}`];
    for (let round = 0; round < 3; round++) {
      const target = { ...kafka, namespace: into };
      const written = (): Promise<number> =>
        withLog(target, async (log) => {
          const infos = (await log.topics()).flatMap(({ partitionInfo }) => partitionInfo);
          return infos.reduce((sum, { endOffset }) => sum + endOffset, 0);
        });
      const before = await written();
      const copying = start(...repartition);
      await until(async () => (await written()) > before || copying.child.exitCode !== null);
      copying.child.kill('SIGKILL');
      await copying.ended;
    }
    // Deleted, changed and new since.
    place.writeRows(
      'documents.csv',
      numbers(10, 20_010).map((i) => documentRow(i, i < 20 ? 'changed' : undefined)),
    );
    await done('produce', '--source=documents.csv', '--prune', '--yes');
    await done('process', HASHED);
    const elsewhere = await ended('topics', 'repartition', '--partitions=3', `--into=${into}`, '--namespace=other');
    expect(elsewhere).toMatchObject({ code: 2 });
    expect(await done(...repartition)).toMatchObject({ isFresh: false });
    await done('process', HASHED, copy);
    expect(await done('reconcile', copy)).toMatchObject({
      differences: 0,
      sources: [{ published: 20_000 }],
      models: [{ records: 20_000, embedded: 20_000 }],
    });
    expect((await done('process', HASHED, copy)).processed).toMatchObject([{ embedded: 0 }]);
  }, 240_000);
});
