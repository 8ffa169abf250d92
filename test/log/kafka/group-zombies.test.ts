import { expect, it } from 'vitest';
import type { Log } from '../../../src/log/port.ts';
import { appendAll, byNumber, failureOf, numbered, range, readRecords, readValues } from '../../contracts/log/tasks.ts';
import { describeWithService } from '../../services/index.ts';
import { ChildMember } from './group-child.ts';
import { beforeEachOnTopics, type GroupPlace, lagOf, Member, SESSION_TIMEOUT_MS } from './group-member.ts';

const RECORDS = 400;

describeWithService('kafka', 'a process that is frozen and wakes up', () => {
  let place: GroupPlace;
  let log: Log;
  let from: string;
  let to: string;
  beforeEachOnTopics(2, (made) => ({ place, log, from, to } = made));

  it.each(['process', 'commit'] as const)(
    'writes nothing twice when it slept through its session in %s',
    async (freezeIn) => {
      const group = `${place.prefix}g`;
      await appendAll(log, numbered(from, 0, RECORDS));
      const zombie = new ChildMember(place, { group, from, to, freezeIn });
      await zombie.frozen();
      const started = performance.now();
      const heir = await Member.join(place, { group, from, to, run: { until: 'end' } });
      await heir.ended;
      // Nobody could have taken it over while the session lasted.
      expect(performance.now() - started).toBeGreaterThan(SESSION_TIMEOUT_MS / 2);
      expect(byNumber(await readValues(log, to))).toEqual(range(RECORDS));
      zombie.thaw();
      // It finds out by itself, and works on as a new member.
      await appendAll(log, numbered(from, RECORDS, RECORDS));
      const opened = (line: string): boolean => line.startsWith('open');
      await zombie.until((lines) => lines.slice(lines.indexOf('thawed')).some(opened));
      // Asked before it writes to what no transaction fences, it is told.
      if (freezeIn === 'process') expect(zombie.lines).toContain('LOG_FENCED');
      const last = await Member.join(place, { group, from, to, run: { until: 'end' } });
      await last.ended;
      await zombie.kill();
      expect(byNumber(await readValues(log, to))).toEqual(range(2 * RECORDS));
      expect(await lagOf(log, group, from)).toBe(0);
    },
  );

  it('goes on from what is committed when the cluster has ended its transaction, and nobody else has its work', async () => {
    const group = `${place.prefix}g`;
    await appendAll(log, numbered(from, 0, RECORDS));
    const handle = { transactionTimeoutMs: 1_000, sessionTimeoutMs: 30_000 };
    const sleeper = new ChildMember(place, { group, from, to, freezeIn: 'commit', handle });
    await sleeper.frozen();
    // Reading waits for the end of the transaction.
    const partitions = await Promise.all([readRecords(log, to, 0), readRecords(log, to, 1)]);
    expect(partitions.flat().length).toBeLessThan(RECORDS);
    sleeper.thaw();
    const last = await Member.join(place, { group, from, to, run: { until: 'end' } });
    await last.ended;
    expect(sleeper.lines.filter((line) => line.startsWith('failed'))).toEqual([]);
    await sleeper.kill();
    expect(byNumber(await readValues(log, to))).toEqual(range(RECORDS));
  });

  it('is told that it took too long when the cluster has ended what it published, and nobody has taken over', async () => {
    const publish = { id: `${place.prefix}publisher`, count: 50 };
    const handle = { transactionTimeoutMs: 1_000 };
    const publisher = new ChildMember(place, { group: '', from, to, freezeIn: 'commit', publish, handle });
    await publisher.frozen();
    // Reading waits for the end of the transaction.
    expect(await readValues(log, to)).toEqual([]);
    publisher.thaw();
    await publisher.ended();
    expect(publisher.lines.at(-1)).toBe('failed LOG_FENCED');
    expect(publisher.lines.at(-2)).toMatch(/took \d+ s and was ended by the brokers.* 1 s: .*--transaction-timeout/);
  });

  it('can not publish what another producer of its id has published since', async () => {
    const id = `${place.prefix}publisher`;
    const zombie = new ChildMember(place, { group: '', from, to, freezeIn: 'commit', publish: { id, count: 50 } });
    await zombie.frozen();
    await appendAll(log, numbered(to, 0, 50), id);
    zombie.thaw();
    await zombie.ended();
    expect(zombie.lines.at(-1)).toBe('failed LOG_FENCED');
    expect(byNumber(await readValues(log, to))).toEqual(range(50));
  });

  it('is told so when a newer producer of its id is there', async () => {
    const id = `${place.prefix}publisher`;
    const older = await log.producer(id);
    await older.append(numbered(to, 0, 5));
    const newer = await (await place.open()).producer(id);
    await newer.append(numbered(to, 5, 5));
    const failure = await failureOf(older.append(numbered(to, 10, 5)));
    expect(failure).toMatchObject({ code: 'LOG_FENCED', message: expect.stringContaining(id) as string });
    expect(byNumber(await readValues(log, to))).toEqual(range(10));
  });
});
