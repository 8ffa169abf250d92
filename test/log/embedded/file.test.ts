import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compactedTopic } from '../../../src/log/topics.ts';
import { LogChild } from '../../contracts/log/child-process.ts';
import { appendAll, failureOf, numbered, output, readRecords, readValues, textOf } from '../../contracts/log/tasks.ts';
import { embeddedPlace, type EmbeddedPlace } from './place.ts';

const MEGABYTE = 1024 * 1024;

describe('the file of the embedded log', () => {
  let place: EmbeddedPlace;
  const file = (): string => join(place.dataDir, 'log.db');
  beforeEach(async () => {
    place = await embeddedPlace();
  });
  afterEach(async () => {
    await place.dispose();
  });

  /** Changes the closed file. */
  function edit(sql: string): void {
    const database = new DatabaseSync(file());
    database.exec(sql);
    database.close();
  }

  async function filled(records: number): Promise<void> {
    const log = await place.open();
    await log.ensureTopics([compactedTopic('in', 1)]);
    await appendAll(log, numbered('in', 0, records));
    await log.close();
  }

  it('refuses a log of a newer release, and says what to do', async () => {
    await filled(1);
    edit(`UPDATE meta SET value = 2 WHERE name = 'schema_version'`);
    const error = await failureOf(place.open());
    expect(error).toMatchObject({ code: 'LOG_UNREADABLE' });
    expect(error.message).toMatch(/newer release.*Update embedstream/);
    expect(error.message).toContain(file());
  });

  it('names a file that is not a log, or is overwritten', async () => {
    await filled(100);
    for (const content of ['This is a text file. '.repeat(500), new Uint8Array(statSync(file()).size).fill(255)]) {
      writeFileSync(file(), content);
      const error = await failureOf(place.open());
      expect(error).toMatchObject({ code: 'LOG_UNREADABLE' });
      expect(error.message).toContain(file());
    }
  });

  it('names a folder it can not create', async () => {
    writeFileSync(join(place.dataDir, 'groups'), 'in the way');
    expect(await failureOf(place.open())).toMatchObject({ code: 'LOG_UNREADABLE' });
    rmSync(join(place.dataDir, 'groups'));
    mkdirSync(join(place.dataDir, 'groups'));
  });

  it('notices a batch whose bytes have changed', async () => {
    await filled(100);
    edit(`UPDATE batches SET data = zeroblob(bytes)`);
    const log = await place.open();
    const error = await failureOf(readRecords(log, 'in'));
    expect(error).toMatchObject({ code: 'LOG_UNREADABLE' });
    expect(error.message).toContain('checksum');
  });

  it('waits for a lock that another process gives up', async () => {
    await filled(1);
    const log = await place.open();
    const other = await place.open();
    const holder = new DatabaseSync(file());
    holder.exec('BEGIN IMMEDIATE');
    let isAppended = false;
    const appended = appendAll(log, numbered('in', 1, 1)).then(() => (isAppended = true));
    for (let i = 0; i < 20; i++) expect(await readValues(other, 'in')).toEqual(['0']);
    expect(isAppended).toBe(false);
    holder.exec('ROLLBACK');
    holder.close();
    await appended;
    expect(await readValues(other, 'in')).toEqual(['0', '1']);
  });

  it('gives space back when it compacts, and compacts by itself on closing once that is worth it', async () => {
    const log = await place.open();
    await log.ensureTopics([compactedTopic('in', 1)]);
    const value = 'x'.repeat(MEGABYTE);
    const producer = await log.producer('p');
    for (let i = 0; i < 100; i++) await producer.append([output('in', `k${i % 20}`, `${i} ${value}`)]);
    await log.close();
    expect(statSync(file()).size).toBeLessThan(30 * MEGABYTE);
    const again = await place.open();
    const kept = (await readRecords(again, 'in')).map(({ offset, key }) => [offset, textOf(key)]);
    expect(kept).toEqual(Array.from({ length: 20 }, (_, i) => [80 + i, `k${i}`]));
  });

  it('leaves a topic alone on closing when little of it is superseded', async () => {
    const log = await place.open();
    await log.ensureTopics([compactedTopic('in', 1)]);
    await appendAll(log, [...numbered('in', 0, 100), ...numbered('in', 0, 100)]);
    await log.close();
    expect(await readRecords(await place.open(), 'in')).toHaveLength(200);
  });

  it('shows every live record to a reader at every moment of a compaction', async () => {
    const log = await place.open();
    await log.ensureTopics([compactedTopic('in', 1)]);
    const value = 'x'.repeat(20_000);
    for (let i = 0; i < 30; i++) {
      await appendAll(log, [
        ...Array.from({ length: 40 }, (_, j) => output('in', 'same', `${j} ${value}`)),
        output('in', `own ${i}`, value),
      ]);
    }
    const reader = await place.open();
    const keysSeen = new Set<number>();
    const compaction = { isOver: false };
    const reading = (async () => {
      while (!compaction.isOver)
        keysSeen.add(new Set((await readRecords(reader, 'in')).map(({ key }) => textOf(key))).size);
    })();
    await log.compact();
    compaction.isOver = true;
    await reading;
    expect([...keysSeen]).toEqual([31]);
    expect(await readRecords(reader, 'in')).toHaveLength(31);
  });

  it('survives kill -9 while it compacts', async () => {
    const log = await place.open();
    await log.ensureTopics([compactedTopic('in', 1)]);
    const producer = await log.producer('p');
    const latest = new Map<string, string>();
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 60; i++) {
        const records = Array.from({ length: 20 }, (_, j) =>
          output('in', `k${(i * 7 + j) % 300}`, `${round} ${i} ${j} ${'x'.repeat(3_000)}`),
        );
        await producer.append(records);
        for (const { key, value } of records) latest.set(textOf(key)!, textOf(value)!);
      }
      const child = new LogChild(place, 'compact');
      await child.wrote(1);
      // Any moment of the first compaction: how far it has come is left to chance.
      for (let turns = Math.random() * 300; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
      await child.kill();
      const present = new Map((await readRecords(log, 'in')).map(({ key, value }) => [textOf(key), textOf(value)]));
      expect(present).toEqual(latest);
    }
    await log.compact();
    expect(await readRecords(log, 'in')).toHaveLength(latest.size);
  });
});
