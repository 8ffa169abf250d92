import { describe, expect, it } from 'vitest';
import type { Log } from '../../src/log/port.ts';
import { accountedFor } from '../../src/processors/outcomes.ts';
import { ATTEMPT_HEADER, DEAD_LETTER_HEADERS } from '../../src/record/dead-letter.ts';
import {
  allRecords,
  codec,
  createMemoryLog,
  fakeEmbedder,
  type FakeEmbedder,
  latestValues,
  processAll,
  publishRows,
  topics,
  vectorOf,
  type Row,
} from '../pipeline-fixtures.ts';

const rows = (count: number, from = 0): Row[] =>
  Array.from({ length: count }, (_, i) => ({ id: `r${from + i}`, text: `text ${from + i}`, metadata: { n: 'a' } }));

async function embeddings(log: Log) {
  const values = await latestValues(log, topics.embeddings('fake'));
  return new Map([...values].map(([id, value]) => [id, codec.decodeEmbedding(value)]));
}

async function appendRecord(log: Log, id: string, value: Uint8Array | null, headers: Record<string, Uint8Array> = {}) {
  const producer = await log.producer('by-hand');
  await producer.append([{ topic: topics.records, key: Buffer.from(id), value, headers }]);
  await producer.close();
}

describe('EmbeddingTask', () => {
  it('embeds each record with its own vector, text and metadata', async () => {
    const log = createMemoryLog();
    await publishRows(log, rows(11));
    const { counts } = await processAll(log, fakeEmbedder());
    expect(counts).toMatchObject({ read: 11, embedded: 11, tokens: 22, truncated: 0 });
    const all = await embeddings(log);
    expect(all.size).toBe(11);
    for (const [id, embedding] of all) {
      expect(embedding.vector).toEqual(vectorOf(embedding.text!));
      expect(embedding).toMatchObject({ recordId: id, text: `text ${id.slice(1)}`, model: 'fake', dimension: 4 });
      expect(embedding.metadata).toEqual(new Map([['n', 'a']]));
    }
  });

  it('embeds equal contents once, in a batch, over batches in flight and long after, and answers each', async () => {
    const log = createMemoryLog();
    const texts = ['a', 'b', 'a', 'a', 'c', 'b', 'd', 'e', 'a', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'b'];
    await publishRows(
      log,
      texts.map((text, i) => ({ id: `r${i}`, text, metadata: { n: `${i}` } })),
    );
    const embedder = fakeEmbedder();
    const { counts } = await processAll(log, embedder);
    const distinct = [...new Set(texts)];
    expect(embedder.calls.flat()).toEqual(distinct);
    expect(counts).toMatchObject({ embedded: 19, reused: 5, tokens: distinct.length });
    for (const [id, embedding] of await embeddings(log)) {
      const i = Number(id.slice(1));
      expect(embedding).toMatchObject({
        text: texts[i],
        metadata: new Map([['n', `${i}`]]),
        vector: vectorOf(texts[i]!),
      });
    }
    expect((await latestValues(log, topics.ledger('fake'))).size).toBe(19);
  });

  it('makes dead letters of all records with a content that the model can not take', async () => {
    const log = createMemoryLog();
    await publishRows(
      log,
      ['poison', 'x', 'poison', 'y', 'z', 'poison'].map((text, i) => ({ id: `r${i}`, text })),
    );
    const { counts } = await processAll(log, fakeEmbedder());
    expect(counts).toMatchObject({ read: 6, embedded: 3, reused: 0, deadLettered: 3 });
    expect(accountedFor(counts)).toBe(6);
  });

  it('embeds nothing twice: the seed scenario, 20 new + 5 unchanged + 3 changed texts + 2 changed metadata', async () => {
    const log = createMemoryLog();
    await publishRows(log, rows(30));
    await processAll(log, fakeEmbedder());
    const next: Row[] = [
      ...rows(20, 30),
      ...rows(5),
      ...rows(3, 5).map((row, i) => ({ ...row, text: `another text ${i}` })),
      ...rows(2, 8).map((row) => ({ ...row, metadata: { n: 'b' } })),
    ];
    await publishRows(log, next);
    const embedder = fakeEmbedder();
    const { counts } = await processAll(log, embedder);
    expect(counts.embedded).toBe(23);
    expect(counts).toMatchObject({ read: 25, skipped: 2 });
    expect(embedder.calls.flat()).toHaveLength(23);
    expect((await embeddings(log)).get('r6')?.vector).toEqual(vectorOf('another text 1'));
  });

  it('embeds all again under another fingerprint, and nothing under the same one', async () => {
    const log = createMemoryLog();
    await publishRows(log, rows(9));
    await processAll(log, fakeEmbedder());
    await log.resetGroup('test.processor.fake', [{ topic: topics.records, partition: 0, offset: 0 }]);
    expect((await processAll(log, fakeEmbedder())).counts).toMatchObject({ read: 9, skipped: 9, embedded: 0 });
    expect((await processAll(log, fakeEmbedder({ version: '2' }))).counts).toMatchObject({ read: 9, embedded: 9 });
    expect((await processAll(log, fakeEmbedder({ version: '2' }))).counts).toMatchObject({ read: 0 });
    expect((await processAll(log, fakeEmbedder())).counts).toMatchObject({ read: 9, embedded: 9 });
  });

  it('goes on with a changed model after it was broken off, without a second embedding or dead letter', async () => {
    const log = createMemoryLog();
    await publishRows(log, rows(4));
    await appendRecord(log, 'corrupt', Buffer.from('{"no": "avro"}'));
    await publishRows(log, [...rows(8, 4), { id: 'last', text: 'last' }]);
    await processAll(log, fakeEmbedder());
    const changed: FakeEmbedder = { ...fakeEmbedder({ version: '2' }), windowSize: 1 };
    const broken: FakeEmbedder = {
      ...changed,
      embed: (inputs) => (inputs[0]?.text === 'last' ? Promise.reject(new Error('broken off')) : changed.embed(inputs)),
    };
    await expect(processAll(log, broken)).rejects.toThrow('broken off');
    const { counts } = await processAll(log, changed);
    expect(counts.read).toBe(14);
    expect(counts.skipped).toBeGreaterThan(4);
    expect(changed.calls.flat()).toContain('last');
    const versions = [...(await embeddings(log)).values()].map(({ fingerprint }) => fingerprint);
    expect(versions).toEqual(Array.from({ length: 13 }, () => changed.info.fingerprint));
    // One under each version of the model.
    expect(await allRecords(log, topics.deadLetters)).toHaveLength(2);
  });

  it('accounts for every outcome', async () => {
    const log = createMemoryLog();
    await publishRows(log, [
      { id: 'good', text: 'good' },
      { id: 'bad', text: 'poison' },
      { id: 'none', metadata: { only: 'metadata' } },
      { id: 'long', text: 'a b c d e f g h i j' },
    ]);
    await processAll(log, fakeEmbedder());
    // The good one is deleted, the long one loses its text, the bad one is changed twice in one batch.
    await appendRecord(log, 'good', null);
    await publishRows(log, [
      { id: 'bad', text: 'still poison' },
      { id: 'long', metadata: { only: 'metadata' } },
    ]);
    await publishRows(log, [
      { id: 'bad', text: 'fine now' },
      { id: 'long', metadata: { only: 'metadata' } },
    ]);
    await appendRecord(log, 'corrupt', Buffer.from('{"no": "avro"}'));
    const { counts } = await processAll(log, { ...fakeEmbedder(), windowSize: 100 });
    expect(counts).toMatchObject({
      read: 5,
      deleted: 1,
      notApplicable: 1,
      superseded: 1,
      embedded: 1,
      deadLettered: 1,
    });
    expect(counts.deadLettersByReason).toEqual({ CODEC_NOT_FRAMED: 1 });
    expect(accountedFor(counts)).toBe(counts.read);
    expect([...(await embeddings(log)).keys()]).toEqual(['bad']);
    const ledger = await latestValues(log, topics.ledger('fake'));
    expect([...ledger].map(([id, value]) => [id, codec.decodeLedgerEntry(value).outcome])).toEqual([
      ['bad', 'embedded'],
      ['corrupt', 'dead-lettered'],
    ]);
  });

  it('dead-letters the poison alone, with its bytes, reason and place, and not again until it changes or is retried', async () => {
    const log = createMemoryLog();
    await publishRows(log, [
      { id: 'a', text: 'fine' },
      { id: 'b', text: 'poison' },
      { id: 'c', text: 'fine too' },
    ]);
    const { counts } = await processAll(log, fakeEmbedder());
    expect(counts).toMatchObject({ embedded: 2, deadLettered: 1 });
    const [letter] = await allRecords(log, topics.deadLetters);
    const original = (await latestValues(log, topics.records)).get('b')!;
    expect(Buffer.compare(letter!.value!, original)).toBe(0);
    const headers = Object.fromEntries(
      Object.entries(letter!.headers).map(([name, value]) => [name, Buffer.from(value).toString()]),
    );
    expect(headers).toMatchObject({
      [DEAD_LETTER_HEADERS.topic]: 'test.records',
      [DEAD_LETTER_HEADERS.partition]: '0',
      [DEAD_LETTER_HEADERS.offset]: '1',
      [DEAD_LETTER_HEADERS.exceptionClass]: 'MODEL_INPUT',
      [DEAD_LETTER_HEADERS.message]: 'this text is poison',
    });
    await appendRecord(log, 'b', original);
    expect((await processAll(log, fakeEmbedder())).counts).toMatchObject({ read: 1, skipped: 1 });
    await appendRecord(log, 'b', original, { [ATTEMPT_HEADER]: Buffer.from('2') });
    expect((await processAll(log, fakeEmbedder())).counts).toMatchObject({ read: 1, deadLettered: 1 });
    const [, again] = await allRecords(log, topics.deadLetters);
    expect(Buffer.from(again!.headers[ATTEMPT_HEADER]!).toString()).toBe('2');
  });

  it('a retry is for the model that dead-lettered the record: another one that has embedded it skips it', async () => {
    const log = createMemoryLog();
    await publishRows(log, [{ id: 'a', text: 'fine' }]);
    await processAll(log, fakeEmbedder());
    const original = (await latestValues(log, topics.records)).get('a')!;
    await appendRecord(log, 'a', original, { [ATTEMPT_HEADER]: Buffer.from('2') });
    expect((await processAll(log, fakeEmbedder())).counts).toMatchObject({ read: 1, skipped: 1, embedded: 0 });
  });

  it('removes the embedding of an earlier text when the new one is poison', async () => {
    const log = createMemoryLog();
    await publishRows(log, [{ id: 'a', text: 'fine' }]);
    await processAll(log, fakeEmbedder());
    await publishRows(log, [{ id: 'a', text: 'poison' }]);
    await processAll(log, fakeEmbedder());
    expect((await embeddings(log)).size).toBe(0);
  });

  it('keeps the model busy: batches follow before the first one is done, and come out in order', async () => {
    const log = createMemoryLog();
    await publishRows(log, rows(20));
    const embedder = fakeEmbedder({ manual: true });
    const done = processAll(log, embedder);
    await expect.poll(() => embedder.calls.length).toBe(3);
    expect(await allRecords(log, topics.embeddings('fake'))).toHaveLength(0);
    const releasing = setInterval(() => {
      embedder.release();
    }, 1);
    const { counts } = await done.finally(() => {
      clearInterval(releasing);
    });
    expect(counts.embedded).toBe(20);
    const ids = (await allRecords(log, topics.embeddings('fake'))).map(({ key }) => Buffer.from(key!).toString());
    expect(ids).toEqual(rows(20).map((row) => ('id' in row ? row.id : '')));
  });

  it('has as many batches before the model as it wants', async () => {
    const log = createMemoryLog();
    await publishRows(log, rows(20));
    const embedder = { ...fakeEmbedder({ manual: true }), windowsInFlight: 4 };
    const done = processAll(log, embedder);
    await expect.poll(() => embedder.calls.length).toBe(4);
    const releasing = setInterval(() => {
      embedder.release();
    }, 1);
    await done.finally(() => {
      clearInterval(releasing);
    });
    expect(embedder.calls.length).toBe(5);
  });

  it('has little before the model however many partitions there are, and leaves none of them without', async () => {
    const log = createMemoryLog();
    await publishRows(log, rows(400), { partitions: 8 });
    const embedder = fakeEmbedder({ manual: true });
    let most = 0;
    let waiting = 0;
    const embed: typeof embedder.embed = async (inputs) => {
      most = Math.max(most, ++waiting);
      const result = await embedder.embed(inputs);
      waiting--;
      return result;
    };
    const done = processAll(log, { ...embedder, embed }, {}, 8);
    // One of each, and of those that came first what the model wants besides.
    await expect.poll(() => waiting).toBeGreaterThanOrEqual(8);
    const releasing = setInterval(() => {
      embedder.release();
    }, 1);
    const { counts } = await done.finally(() => {
      clearInterval(releasing);
    });
    expect(counts.embedded).toBe(400);
    expect(most).toBeLessThanOrEqual(8 + 3);
  });

  it('writes what was done before the model broke, and nothing for what it broke on; the next run does the rest', async () => {
    const log = createMemoryLog();
    await publishRows(log, [...rows(6), { id: 'w', text: 'the world is at fault' }]);
    await expect(processAll(log, fakeEmbedder())).rejects.toThrow('the model broke');
    expect(await allRecords(log, topics.deadLetters)).toHaveLength(0);
    const before = (await embeddings(log)).size;
    expect(before).toBe(4);
    const repaired = {
      ...fakeEmbedder(),
      embed: async (inputs: readonly { text?: string }[]) =>
        fakeEmbedder().embed(inputs.map((input) => ({ text: (input.text ?? '').replace('world', '') }))),
    };
    const { counts } = await processAll(log, repaired);
    expect(counts.embedded).toBe(7 - before);
    expect((await embeddings(log)).size).toBe(7);
  });
});
