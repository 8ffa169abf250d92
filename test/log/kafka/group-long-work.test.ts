import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Log } from '../../../src/log/port.ts';
import { appendAll, byNumber, numbered, range, readValues } from '../../contracts/log/tasks.ts';
import { describeWithService, kafkaBrokers } from '../../services/index.ts';
import { GroupPlace, Member, SESSION_TIMEOUT_MS, shared } from './group-member.ts';

const PARTITIONS = 4;
const WORK_MS = 1.5 * SESSION_TIMEOUT_MS;

describeWithService('kafka', 'work that takes long', () => {
  let place: GroupPlace;
  let log: Log;

  beforeAll(async () => {
    place = new GroupPlace(await kafkaBrokers());
    log = await place.open();
  });
  afterAll(async () => {
    await place.dispose();
  });

  it('costs no membership when a call takes longer than the session', async () => {
    const [from, to] = await Promise.all([place.topic(log, 'in', PARTITIONS), place.topic(log, 'out', PARTITIONS)]);
    const group = `${place.prefix}slow`;
    const rebalances: string[] = [];
    const script = (name: string) => ({
      group,
      from,
      to,
      during: () => delay(WORK_MS),
      handle: { observer: { assigned: () => rebalances.push(name) } },
    });
    const a = await Member.join(place, script('a'));
    const b = await Member.join(place, script('b'));
    await shared(PARTITIONS, [a, b]);
    const before = rebalances.length;
    const closed = (): number => [...a.events, ...b.events].filter((event) => event.startsWith('close')).length;
    const closedBefore = closed();
    await appendAll(log, numbered(from, 0, 100));
    await Promise.all([a, b].map((member) => member.until(() => member.events.some(isCommit))));
    expect(rebalances).toHaveLength(before);
    expect(closed()).toBe(closedBefore);
    await Promise.all([a.stop(), b.stop()]);
    expect(byNumber(await readValues(log, to))).toEqual(range(100));
    expect(a.processed.length + b.processed.length).toBe(100);
  });

  it('does not keep a new member waiting', async () => {
    const [from, to] = await Promise.all([place.topic(log, 'in2', PARTITIONS), place.topic(log, 'out2', PARTITIONS)]);
    const script = { group: `${place.prefix}join`, from, to, handle: { revokeTimeoutMs: 10_000 } };
    const a = await Member.join(place, { ...script, during: () => delay(5_000), run: { maxBatchRecords: 5 } });
    await appendAll(log, numbered(from, 0, 100));
    await a.until(() => a.events.some((event) => event.startsWith('process')));
    const started = performance.now();
    const b = await Member.join(place, script);
    await b.until(() => b.held.size > 0);
    expect(performance.now() - started).toBeLessThan(20_000);
    await shared(PARTITIONS, [a, b]);
    // What moved was finished first: nothing is processed twice.
    await Promise.all([a.stop(), b.stop()]);
    expect(new Set([...a.processed, ...b.processed]).size).toBe(a.processed.length + b.processed.length);
    expect(byNumber(await readValues(log, to))).toEqual(byNumber([...a.processed, ...b.processed]));
  });
});

function isCommit(event: string): boolean {
  return event.startsWith('committed');
}
