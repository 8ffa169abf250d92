import { expect, it } from 'vitest';
import { partitionOf } from '../../../src/log/partitioner.ts';
import { MAX_RECORD_BYTES, type Log, type OutputRecord } from '../../../src/log/port.ts';
import { compactedTopic, deadLetterTopic } from '../../../src/log/topics.ts';
import type { LogFactory, PlaceOf } from './place.ts';
import { appendAll, bytesOf, failureOf, numbered, output, range, readRecords, readValues, textOf } from './tasks.ts';

/** Topics, producers and reading. */
export function appendingContract(factory: LogFactory, place: PlaceOf): void {
  // A record without a key can't be in a compacted topic: some servers refuse it.
  const topics = [compactedTopic('in', 1), compactedTopic('many', 5), deadLetterTopic('keyless', 5)];
  async function opened(): Promise<Log> {
    const log = await place().open();
    await log.ensureTopics(topics);
    return log;
  }

  it('lists topics by name, and creates only what is missing', async () => {
    const log = await opened();
    await appendAll(log, numbered('in', 0, 3));
    await log.ensureTopics([...topics, { name: 'dead', partitions: 2, cleanup: 'delete' }]);
    await log.ensureTopics(topics);
    const listed = await log.topics();
    expect(listed.map(({ name, partitions, cleanup }) => [name, partitions, cleanup])).toEqual([
      ['dead', 2, 'delete'],
      ['in', 1, 'compact'],
      ['keyless', 5, 'delete'],
      ['many', 5, 'compact'],
    ]);
    const endOffset = factory.numbersWithoutGaps ? 3 : (expect.any(Number) as number);
    expect(listed[1]!.partitionInfo).toEqual([{ partition: 0, startOffset: 0, endOffset }]);
    expect(listed[1]!.partitionInfo[0]!.endOffset).toBeGreaterThanOrEqual(3);
    expect(await failureOf(log.ensureTopics([compactedTopic('in', 4)]))).toMatchObject({
      code: 'LOG_PARTITION_MISMATCH',
    });
  });

  it('keeps order, and tells where records went', async () => {
    const log = await opened();
    const producer = await log.producer('p');
    const ranges = [];
    for (let i = 0; i < 20; i++) ranges.push(...(await producer.append(numbered('in', i * 50, 50))));
    const records = await readRecords(log, 'in');
    const offsets = records.map(({ offset }) => offset);
    expect(offsets).toEqual(ranges.flatMap(({ firstOffset }) => range(50).map((i) => firstOffset + i)));
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
    expect(ranges.map(({ firstOffset, lastOffset }) => lastOffset - firstOffset)).toEqual(ranges.map(() => 49));
    if (factory.numbersWithoutGaps) expect(offsets).toEqual(range(1_000));
    expect(records.map(({ value }) => Number(textOf(value)))).toEqual(records.map((_, i) => i));
    expect(records).toHaveLength(1_000);
  });

  it('places records by murmur2 of the key, and as told when told', async () => {
    const log = await opened();
    await appendAll(log, [
      ...numbered('many', 0, 200),
      output('many', 'told', 'told', 3),
      { topic: 'keyless', key: null, value: null },
    ]);
    for (let partition = 0; partition < 5; partition++) {
      for (const { key, value } of await readRecords(log, 'many', partition)) {
        expect(partition).toBe(textOf(value) === 'told' ? 3 : partitionOf(key, 5));
      }
    }
    expect(await readValues(log, 'many')).toHaveLength(201);
    expect(await readRecords(log, 'keyless', 0)).toHaveLength(1);
  });

  it('carries keys, values, deletions, headers and timestamps untouched', async () => {
    const log = await opened();
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    await appendAll(log, [
      { topic: 'in', key: bytes, value: bytes, headers: { ключ: bytes, empty: new Uint8Array() }, timestampMs: 12_345 },
      { topic: 'in', key: bytesOf('gone'), value: null },
      { topic: 'keyless', key: null, value: new Uint8Array() },
    ]);
    const [first, second] = await readRecords(log, 'in');
    const [third] = await readRecords(log, 'keyless');
    expect([Buffer.from(first!.key!), Buffer.from(first!.value!)]).toEqual([Buffer.from(bytes), Buffer.from(bytes)]);
    expect(Object.entries(first!.headers).map(([name, value]) => [name, [...value]])).toEqual([
      ['ключ', [...bytes]],
      ['empty', []],
    ]);
    expect(first!.timestampMs).toBe(12_345);
    expect([textOf(second!.key), second!.value, second!.headers]).toEqual(['gone', null, {}]);
    expect([third!.key, third!.value?.length]).toEqual([null, 0]);
  });

  it('reads any range, in batches of bounded bytes', async () => {
    const log = await opened();
    await appendAll(log, numbered('in', 0, 500));
    expect((await readRecords(log, 'in', 0, 123, 130)).map(({ offset }) => offset)).toEqual([
      123, 124, 125, 126, 127, 128, 129,
    ]);
    expect(await readRecords(log, 'in', 0, 500)).toEqual([]);
    expect(await readRecords(log, 'in', 0, 10_000)).toEqual([]);
    let next = 0;
    for await (const batch of log.read('in', 0, 0, 500, { maxBatchBytes: 1_000 })) {
      expect(batch.records.reduce((sum, { key, value }) => sum + key!.length + value!.length, 0)).toBeLessThanOrEqual(
        1_000,
      );
      expect(batch.records[0]!.offset).toBe(next);
      next = batch.nextOffset;
    }
    expect(next).toBe(500);
  });

  it('finds offsets by time: the first record of it or later, in offset order', async () => {
    const log = await opened();
    // Later than now: what a server adds of its own has a time, too.
    const base = Date.now() + 60_000;
    const at = (partition: number, afterMs: number): OutputRecord => {
      return { ...output('many', `k${afterMs}`, 'v', partition), timestampMs: base + afterMs };
    };
    const producer = await log.producer('p');
    await producer.append([at(0, 1_000), at(0, 2_000), at(0, 2_000), at(0, 1_500), at(1, 500), at(1, 5_000)]);
    await producer.append([at(0, 3_000), at(1, 100), at(2, 9_000)]);
    const ends = (await log.topics()).find(({ name }) => name === 'many')!.partitionInfo;
    for (const afterMs of [-base, 0, 1_000, 1_001, 2_000, 2_001, 5_000, 9_000, 9_001]) {
      const expected: { partition: number; offset: number }[] = [];
      for (const { partition, endOffset } of ends) {
        const records = await readRecords(log, 'many', partition);
        const first = records.find(({ timestampMs }) => timestampMs >= base + afterMs);
        expected.push({ partition, offset: first?.offset ?? endOffset });
      }
      expect(await log.offsetsAt('many', base + afterMs)).toEqual(expected);
    }
    expect(await failureOf(log.offsetsAt('nowhere', 0))).toMatchObject({ code: 'LOG_TOPIC_UNKNOWN' });
  });

  it('names a topic or partition that is not there', async () => {
    const log = await opened();
    const producer = await log.producer('p');
    expect(await failureOf(producer.append([...numbered('in', 0, 3), output('nowhere', 'k', 'v')]))).toMatchObject({
      code: 'LOG_TOPIC_UNKNOWN',
      message: expect.stringMatching(/"\S*nowhere"/) as string,
    });
    expect(await failureOf(producer.append([output('in', 'k', 'v', 1)]))).toMatchObject({
      code: 'LOG_PARTITION_MISMATCH',
    });
    expect(await failureOf(readRecords(log, 'nowhere'))).toMatchObject({ code: 'LOG_TOPIC_UNKNOWN' });
    expect(await readValues(log, 'in')).toEqual([]);
  });

  it('takes records up to 8 MiB; a larger one is a clear error and nothing of its append is written', async () => {
    const log = await opened();
    const producer = await log.producer('p');
    const key = bytesOf('a-key');
    const value = new Uint8Array(MAX_RECORD_BYTES - key.length).fill(7);
    await producer.append([{ topic: 'in', key, value }]);
    const tooLarge = { topic: 'in', key, value: new Uint8Array(value.length + 1) };
    const error = await failureOf(producer.append([...numbered('in', 0, 2), tooLarge]));
    expect(error).toMatchObject({ code: 'LOG_RECORD_TOO_LARGE', poison: true });
    for (const part of ['in"', '"a-key"', String(MAX_RECORD_BYTES), String(MAX_RECORD_BYTES + 1)]) {
      expect(error.message).toContain(part);
    }
    const records = await readRecords(log, 'in');
    expect(records.map((record) => record.value?.length)).toEqual([value.length]);
    expect(Buffer.compare(records[0]!.value!, value)).toBe(0);
  });

  it('fences a producer when its id is opened again', async () => {
    const older = await (await opened()).producer('p');
    const log = await place().open();
    const newer = await log.producer('p');
    expect(await failureOf(older.append(numbered('in', 0, 1)))).toMatchObject({ code: 'LOG_FENCED' });
    await newer.append(numbered('in', 5, 1));
    expect(await readValues(log, 'in')).toEqual(['5']);
  });

  it('refuses every call once it is closed', async () => {
    const log = await opened();
    const producer = await log.producer('p');
    await log.close();
    expect(await failureOf(producer.append(numbered('in', 0, 1)))).toMatchObject({ code: 'LOG_CLOSED' });
    expect(await failureOf(log.topics())).toMatchObject({ code: 'LOG_CLOSED' });
    await log.close();
  });

  it.runIf(factory.limitsBytes)('answers a full disk with an error and loses nothing', async () => {
    const log = await place().open({ maxLogBytes: 4 * 1024 * 1024 });
    await log.ensureTopics(topics);
    const producer = await log.producer('p');
    const value = 'x'.repeat(50_000);
    const batch = (first: number): ReturnType<typeof output>[] =>
      Array.from({ length: 10 }, (_, i) => output('in', `k${first + i}`, `${first + i}:${value}`));
    let acknowledged = 0;
    const error = await failureOf(
      (async () => {
        for (; acknowledged < 1_000; acknowledged += 10) await producer.append(batch(acknowledged));
      })(),
    );
    expect(error).toMatchObject({ code: 'LOG_DISK_FULL', retriable: false });
    expect(acknowledged).toBeGreaterThan(0);
    const kept = (await readValues(log, 'in')).map((text) => Number(text?.split(':')[0]));
    expect(kept).toEqual(kept.map((_, i) => i));
    expect(kept).toHaveLength(acknowledged);
    await log.close();
    const roomier = await place().open();
    await appendAll(roomier, batch(acknowledged));
    expect(await readValues(roomier, 'in')).toHaveLength(acknowledged + 10);
  });
}
