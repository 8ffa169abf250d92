import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import type { Log } from '../../../src/log/port.ts';
import { byNumber, failureOf, numbered, range, readRecords, readValues } from '../../contracts/log/tasks.ts';
import { describeWithService, restartableKafka, type OwnServer } from '../../services/index.ts';
import { GroupPlace, lagOf, Member } from './group-member.ts';

const PARTITIONS = 4;
/** Longer than the broker is away. */
const PATIENT = { transactionTimeoutMs: 45_000, sessionTimeoutMs: 15_000 };

describeWithService('own-kafka', 'a broker that is killed', () => {
  let server: OwnServer<string[]>;
  let place: GroupPlace;

  beforeAll(async () => {
    server = await restartableKafka();
  });
  afterEach(async () => {
    await place.dispose();
  });
  afterAll(async () => {
    await server.remove();
  });

  async function topics(log: Log): Promise<{ from: string; to: string }> {
    const [from, to] = await Promise.all([place.topic(log, 'in', PARTITIONS), place.topic(log, 'out', PARTITIONS)]);
    return { from, to };
  }

  it('stops nothing when it comes back: appends, runs and reads go on, and nothing is lost or twice', async () => {
    place = new GroupPlace(server.address);
    const log = await place.open(PATIENT);
    const { from, to } = await topics(log);
    const group = `${place.prefix}g`;
    let count = 0;
    const filling = { isOver: false };
    const fill = (async () => {
      const producer = await log.producer(`${place.prefix}filler`);
      for (; !filling.isOver; count += 50) await producer.append(numbered(from, count, 50));
    })();
    let reads = 0;
    const reading = (async () => {
      for (; !filling.isOver; reads++) await readRecords(log, to, 0);
    })();
    const script = { group, from, to, handle: PATIENT, run: { maxBatchRecords: 100 } };
    const members = [await Member.join(place, script), await Member.join(place, script)];
    const moreOfEach = async (): Promise<void> => {
      const [appends, seen] = [count, reads];
      const commits = members.map(commitsOf);
      await Promise.all(members.map((each, i) => each.until(() => commitsOf(each) > (commits[i] ?? 0) + 3)));
      await Promise.race([
        fill,
        reading,
        vi.waitUntil(() => count > appends + 100 && reads > seen + 1, { timeout: 60_000 }),
      ]);
    };
    await moreOfEach();
    for (let round = 0; round < 2; round++) {
      await server.kill();
      await server.start();
      await moreOfEach();
    }
    filling.isOver = true;
    await Promise.all([fill, reading]);
    const last = await Member.join(place, { ...script, run: { until: 'end' } });
    await last.ended;
    await Promise.all(members.map((member) => member.stop()));
    expect(byNumber(await readValues(log, to))).toEqual(range(count));
    expect(await lagOf(log, group, from)).toBe(0);
  }, 120_000);

  it('ends what has no more patience with it, and says who was away for how long', async () => {
    place = new GroupPlace(server.address);
    const retried = new Set<string>();
    const log = await place.open({
      ...PATIENT,
      retryForMs: 3_000,
      observer: { retried: ({ operation, error }) => retried.add(`${operation}: ${error.code}`) },
    });
    const { from, to } = await topics(log);
    const producer = await log.producer(`${place.prefix}p`);
    await producer.append(numbered(from, 0, 10));
    const member = new Member(log, { group: `${place.prefix}g`, from, to });
    await member.until(() => commitsOf(member) > 0);
    await server.kill();
    const failures = await Promise.all([
      failureOf(member.ended),
      failureOf(producer.append(numbered(from, 10, 10))),
      failureOf(readValues(log, from)),
    ]);
    for (const failure of failures) {
      expect(failure).toMatchObject({ code: 'LOG_BUSY', retriable: false });
      expect(failure.message).toContain(server.address[0]);
      expect(failure.message).toMatch(/Given up after trying for \d s\./);
    }
    const told = ['fetch', 'membership'].map((operation) => `${operation}: LOG_BUSY`);
    expect([...retried]).toEqual(expect.arrayContaining(told));
    // Where the producer notices it first is chance: at its transaction's coordinator or at the partition's leader.
    expect([...retried].some((each) => each === 'append: LOG_BUSY' || each === 'commit: LOG_BUSY')).toBe(true);
    await server.start();
  });
});

function commitsOf(member: Member): number {
  return member.events.filter((event) => event.startsWith('committed')).length;
}
