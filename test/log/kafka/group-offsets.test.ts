import { expect, it, vi } from 'vitest';
import type { Log } from '../../../src/log/port.ts';
import { appendAll, byNumber, failureOf, numbered, range, readValues } from '../../contracts/log/tasks.ts';
import { describeWithService } from '../../services/index.ts';
import { ChildMember } from './group-child.ts';
import { beforeEachOnTopics, type GroupPlace, Member } from './group-member.ts';

describeWithService('kafka', 'what is open or owned', () => {
  let place: GroupPlace;
  let log: Log;
  let from: string;
  let to: string;
  beforeEachOnTopics(1, (made) => ({ place, log, from, to } = made));

  it('is waited for by readers, who see all of a transaction that is committed later', async () => {
    const publish = { id: `${place.prefix}p`, count: 50 };
    const publisher = new ChildMember(place, { group: '', from, to, freezeIn: 'commit', publish });
    await publisher.frozen();
    let isRead = false;
    const read = readValues(log, to).finally(() => (isRead = true));
    // Another read has the time to come back from the broker.
    expect(await readValues(log, from)).toEqual([]);
    expect(isRead).toBe(false);
    publisher.thaw();
    expect(byNumber(await read)).toEqual(range(50));
    await publisher.ended();
  });

  it('is waited for until its time is up when the producer is dead, and nothing of it is seen', async () => {
    const publish = { id: `${place.prefix}p`, count: 50 };
    const handle = { transactionTimeoutMs: 2_000 };
    const publisher = new ChildMember(place, { group: '', from, to, freezeIn: 'commit', publish, handle });
    await publisher.frozen();
    await publisher.kill();
    expect(await readValues(log, to)).toEqual([]);
    const [info] = (await log.topics()).filter(({ name }) => name === to);
    expect(info?.partitionInfo[0]?.endOffset).toBeGreaterThan(50);
  });

  it('can not be set back while somebody runs the group, who is named', async () => {
    const group = `${place.prefix}g`;
    const member = await Member.join(place, { group, from, to });
    await member.until(() => member.held.size === 1);
    const failure = await failureOf(log.resetGroup(group, [{ topic: from, partition: 0, offset: 0 }]));
    expect(failure).toMatchObject({
      code: 'LOG_GROUP_OWNED',
      message: expect.stringMatching(`, pid ${process.pid} of `) as string,
    });
    await member.stop();
    await log.resetGroup(group, [{ topic: from, partition: 0, offset: 0 }]);
  });

  it('stays set back when an owner that was frozen wakes up', async () => {
    const group = `${place.prefix}g`;
    await appendAll(log, numbered(from, 0, 100));
    const first = await Member.join(place, { group, from, to, run: { until: 'end' } });
    await first.ended;
    await appendAll(log, numbered(from, 100, 100));
    const zombie = new ChildMember(place, { group, from, to, freezeIn: 'commit' });
    await zombie.frozen();
    await vi.waitFor(
      async () => {
        expect((await log.groups())[0]?.members).toEqual([]);
      },
      { timeout: 20_000, interval: 100 },
    );
    await log.resetGroup(group, [{ topic: from, partition: 0, offset: 50 }]);
    zombie.thaw();
    const last = await Member.join(place, { group, from, to, run: { until: 'end' } });
    await last.ended;
    await zombie.kill();
    const again = Array.from({ length: 50 }, (_, i) => 50 + i);
    expect(byNumber(await readValues(log, to))).toEqual([...range(200), ...again].sort((a, b) => a - b));
  });
});
