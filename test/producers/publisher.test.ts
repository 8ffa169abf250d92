import { describe, expect, it } from 'vitest';
import { DEAD_LETTER_HEADERS } from '../../src/record/dead-letter.ts';
import {
  CLOCK,
  allRecords,
  codec,
  createMemoryLog,
  fault,
  latestValues,
  publishRows,
  sourceOf,
  topics,
  type Row,
} from '../pipeline-fixtures.ts';

const rows: Row[] = Array.from({ length: 10 }, (_, i) => ({ id: `r${i}`, text: `text ${i}`, metadata: { n: `${i}` } }));
const text = (header: Uint8Array | undefined): string => Buffer.from(header ?? []).toString();

describe('publish', () => {
  it('publishes each row once, whole', async () => {
    const log = createMemoryLog();
    const report = await publishRows(log, rows);
    expect(report).toMatchObject({ read: 10, created: 10, changed: 0, unchanged: 0, deadLettered: 0, complete: true });
    const records = await latestValues(log, topics.records);
    expect([...records.keys()]).toEqual(rows.map((row) => ('id' in row ? row.id : '')));
    expect(codec.decodeSourceRecord(records.get('r3')!)).toMatchObject({
      id: 'r3',
      source: 'rows',
      text: 'text 3',
      metadata: new Map([['n', '3']]),
      createdAt: CLOCK(),
    });
  });

  it('publishes again only what is new or changed, metadata included, whenever it was made', async () => {
    const log = createMemoryLog();
    await publishRows(log, rows);
    const next: Row[] = [
      ...rows.slice(2),
      { id: 'r0', text: 'another text', metadata: { n: '0' } },
      { id: 'r1', text: 'text 1', metadata: { n: 'changed' } },
      { id: 'new', text: 'new' },
    ];
    const report = await publishRows(log, next, { clock: () => CLOCK() + 5_000 });
    expect(report).toMatchObject({ read: 11, created: 1, changed: 2, unchanged: 8 });
    expect(await allRecords(log, topics.records)).toHaveLength(13);
  });

  it('makes progress when a limited run is repeated', async () => {
    const log = createMemoryLog();
    const created: number[] = [];
    for (let run = 0; run < 4; run++) created.push((await publishRows(log, rows, { limit: 4 })).created);
    expect(created).toEqual([4, 4, 2, 0]);
  });

  it('makes dead letters of faults and of repeated ids, once, with the original bytes and their place', async () => {
    const log = createMemoryLog();
    const faulty: Row[] = [rows[0]!, fault(3, 'a;b;c'), { id: 'r0', text: 'a second one' }, rows[1]!];
    const first = await publishRows(log, faulty);
    expect(first).toMatchObject({ read: 4, created: 2, deadLettered: 2, newDeadLetters: 2 });
    expect(first.deadLettersByReason).toEqual({ CSV_RAGGED_ROW: 1, DUPLICATE_ID: 1 });
    const again = await publishRows(log, faulty);
    expect(again).toMatchObject({ read: 4, unchanged: 2, deadLettered: 2, newDeadLetters: 0 });
    const letters = await allRecords(log, topics.deadLetters);
    expect(letters).toHaveLength(2);
    expect(Buffer.from(letters[0]!.value!).toString()).toBe('a;b;c');
    expect(text(letters[0]!.headers[DEAD_LETTER_HEADERS.message])).toBe('rows.csv:3: ragged');
    expect(text(letters[1]!.headers[DEAD_LETTER_HEADERS.exceptionClass])).toBe('DUPLICATE_ID');
    expect(codec.decodeSourceRecord((await latestValues(log, topics.records)).get('r0')!).text).toBe('text 0');
  });

  it('counts what vanished, and deletes it when asked to', async () => {
    const log = createMemoryLog();
    await publishRows(log, [...rows, fault(12, 'x')]);
    expect(await publishRows(log, rows.slice(1))).toMatchObject({ vanished: 1, pruned: 0 });
    expect(await publishRows(log, rows.slice(1), { prune: true })).toMatchObject({ vanished: 0, pruned: 1 });
    expect((await latestValues(log, topics.records)).has('r0')).toBe(false);
    expect((await latestValues(log, topics.sourceLedger('rows'))).size).toBe(9);
    // It can come back.
    expect(await publishRows(log, rows)).toMatchObject({ created: 1, unchanged: 9 });
  });

  it('asks before it deletes more than a tenth', async () => {
    const log = createMemoryLog();
    await publishRows(log, rows);
    const asked: number[][] = [];
    const confirmPrune = (...numbers: number[]): Promise<boolean> => {
      asked.push(numbers);
      return Promise.resolve(false);
    };
    expect(await publishRows(log, rows.slice(1), { prune: true, confirmPrune })).toMatchObject({ pruned: 1 });
    expect(asked).toEqual([]);
    expect(await publishRows(log, rows.slice(5), { prune: true, confirmPrune })).toMatchObject({
      pruned: 0,
      vanished: 4,
    });
    expect(asked).toEqual([[4, 9]]);
  });

  it('takes nothing for vanished that a filter or a limit left out', async () => {
    const log = createMemoryLog();
    await publishRows(log, rows);
    const filtered = sourceOf(rows.slice(5), { filtered: 5 });
    expect(await publishRows(log, [], { source: filtered, prune: true })).toMatchObject({ pruned: 0, vanished: 0 });
    expect(await publishRows(log, [{ id: 'z', text: 'z' }, ...rows], { limit: 1, prune: true })).toMatchObject({
      complete: false,
      pruned: 0,
    });
  });

  it('refuses a source that is another one under a new name, before anything is published', async () => {
    const log = createMemoryLog();
    await publishRows(log, rows);
    const renamed = sourceOf(rows.slice(2), { name: 'renamed' });
    await expect(publishRows(log, [], { source: renamed })).rejects.toThrow(/the source "rows".*--name=rows/s);
    expect(await allRecords(log, topics.deadLetters)).toHaveLength(0);
    const overlapping = sourceOf([{ id: 'own', text: 'own' }, ...rows.slice(8)], { name: 'other' });
    expect(await publishRows(log, [], { source: overlapping })).toMatchObject({ created: 1, deadLettered: 2 });
  });

  it('goes on after a stop, and fences a run that is still alive', async () => {
    const log = createMemoryLog();
    const stop = new AbortController();
    const stopped = await publishRows(log, rows, {
      signal: stop.signal,
      onProgress: () => {
        stop.abort();
      },
    });
    expect(stopped).toMatchObject({ read: 3, created: 3, complete: false });
    let second: Promise<unknown> | undefined;
    const first = publishRows(log, rows, {
      onProgress: () => {
        second ??= publishRows(log, rows);
      },
    });
    await expect(first).rejects.toMatchObject({ code: 'LOG_FENCED' });
    await second;
    expect((await allRecords(log, topics.records)).length).toBe(10);
  });
});
