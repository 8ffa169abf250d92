import { expect, it } from 'vitest';
import type { Log, OutputRecord } from '../../../src/log/port.ts';
import { appendAll, byNumber, gate, numbered, range, readValues } from '../../contracts/log/tasks.ts';
import { describeWithService } from '../../services/index.ts';
import { ChildMember } from './group-child.ts';
import {
  beforeEachOnTopics,
  type GroupPlace,
  assigned,
  lagOf,
  Member,
  shared,
  type MemberScript,
} from './group-member.ts';

const PARTITIONS = 6;

describeWithService('kafka', 'a group whose members come and go', () => {
  let place: GroupPlace;
  let log: Log;
  let from: string;
  let to: string;
  beforeEachOnTopics(PARTITIONS, (made) => ({ place, log, from, to } = made));

  it('copies each record once, and never closes a partition that stays', async () => {
    const group = `${place.prefix}g`;
    const script = { group, from, to, run: { maxBatchRecords: 20 } };
    const filled = { done: false, count: 0 };
    const fill = (async () => {
      const producer = await log.producer(`${place.prefix}filler`);
      while (!filled.done) {
        await producer.append(numbered(from, filled.count, 60));
        filled.count += 60;
      }
      await producer.close();
    })();
    const a = await Member.join(place, script);
    await shared(PARTITIONS, [a]);
    const b = await Member.join(place, script);
    await shared(PARTITIONS, [a, b]);
    const c = await Member.join(place, script);
    await shared(PARTITIONS, [a, b, c]);
    // What a member has now it has had without a break.
    for (const partition of a.held) expect(a.count(`open ${partition}`)).toBe(1);
    for (const partition of b.held) expect(b.count(`open ${partition}`)).toBe(1);
    for (const event of [...a.events, ...b.events]) expect(event).not.toMatch(/failed/);
    const killed = new ChildMember(place, { group, from, to, maxBatchRecords: 20 });
    await killed.until((lines) => lines.some((line) => line.startsWith('committed')));
    await c.stop();
    const stayed = [...a.held].filter((partition) => a.count(`open ${partition}`) === 1);
    await killed.kill();
    await shared(PARTITIONS, [a, b]);
    for (const partition of stayed) expect(a.count(`close ${partition} revoked`)).toBe(0);
    filled.done = true;
    await fill;
    await bringToEnd(script);
    await Promise.all([a.stop(), b.stop()]);
    expect(byNumber(await readValues(log, to))).toEqual(range(filled.count));
    expect(await lagOf(log, group, from)).toBe(0);
  });

  it('finishes what is in flight on a partition that moves, if it can within the bound', async () => {
    const group = `${place.prefix}g`;
    await appendAll(log, everywhere(10));
    const go = gate();
    const during = (): Promise<void> => go.opened;
    const a = await Member.join(place, { group, from, to, during });
    await a.until(() => a.events.filter((event) => event.startsWith('process')).length === PARTITIONS);
    const b = await Member.join(place, { group, from, to });
    // The group has taken half of them from `a`, which still works on them.
    await assigned(log, group, [3, 0]);
    go.open();
    await shared(PARTITIONS, [a, b]);
    await bringToEnd({ group, from, to });
    await Promise.all([a.stop(), b.stop()]);
    expect(b.processed).toEqual([]);
    expect(a.processed).toHaveLength(10 * PARTITIONS);
    expect(byNumber(await readValues(log, to))).toEqual(range(10 * PARTITIONS));
  });

  it('drops what is in flight on a partition that moves when it takes longer than the bound', async () => {
    const group = `${place.prefix}g`;
    await appendAll(log, everywhere(10));
    const go = gate();
    const during = (): Promise<void> => go.opened;
    const a = await Member.join(place, { group, from, to, during, handle: { revokeTimeoutMs: 500 } });
    await a.until(() => a.events.filter((event) => event.startsWith('process')).length === PARTITIONS);
    const started = performance.now();
    const b = await Member.join(place, { group, from, to });
    await b.until(() => b.held.size === PARTITIONS / 2);
    expect(performance.now() - started).toBeLessThan(20_000);
    go.open();
    await bringToEnd({ group, from, to });
    await Promise.all([a.stop(), b.stop()]);
    expect(b.processed).toHaveLength((10 * PARTITIONS) / 2);
    expect(byNumber(await readValues(log, to))).toEqual(range(10 * PARTITIONS));
  });

  /** So many records in each partition, each a number of its own. */
  function everywhere(count: number): OutputRecord[] {
    return range(PARTITIONS).flatMap((partition) => numbered(from, partition * count, count, partition));
  }

  /** A member that ends when the group has done all that is there now. */
  async function bringToEnd(script: MemberScript): Promise<void> {
    const last = await Member.join(place, { ...script, run: { until: 'end' } });
    await last.ended;
  }
});
