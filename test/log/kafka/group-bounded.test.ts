import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Log } from '../../../src/log/port.ts';
import { appendAll, byNumber, gate, numbered, range, readValues } from '../../contracts/log/tasks.ts';
import { describeWithService, kafkaBrokers } from '../../services/index.ts';
import { ChildMember } from './group-child.ts';
import { GroupPlace, assigned, lagOf, Member } from './group-member.ts';

const PARTITIONS = 4;
const RECORDS = 400;

describeWithService('kafka', 'a bounded run of several members', () => {
  let place: GroupPlace;
  let log: Log;
  let from: string;

  beforeAll(async () => {
    place = new GroupPlace(await kafkaBrokers());
    log = await place.open();
    from = await place.topic(log, 'in', PARTITIONS);
    await appendAll(log, numbered(from, 0, RECORDS));
  });
  afterAll(async () => {
    await place.dispose();
  });

  it('ends for all of them when all is done, and at once for one that comes later', async () => {
    const to = await place.topic(log, 'out', PARTITIONS);
    const go = gate();
    const group = `${place.prefix}g`;
    const script = {
      group,
      from,
      to,
      during: () => go.opened,
      run: { until: 'end', maxBatchRecords: 10 } as const,
    };
    const members = await Promise.all([Member.join(place, script), Member.join(place, script)]);
    await assigned(log, group, [2, 2], [2, 0]);
    go.open();
    await Promise.all(members.map(({ ended }) => ended));
    expect(members.map(({ processed }) => processed.length > 0)).toEqual([true, true]);
    expect(byNumber(await readValues(log, to))).toEqual(range(RECORDS));
    const late = await Member.join(place, script);
    await late.ended;
    expect(late.processed).toEqual([]);
  });

  it('goes on for the others until they have done the work of one that was killed', async () => {
    const to = await place.topic(log, 'out2', PARTITIONS);
    const group = `${place.prefix}g2`;
    const killed = new ChildMember(place, { group, from, to, freezeIn: 'process', maxBatchRecords: 10 });
    await killed.frozen();
    const survivor = await Member.join(place, { group, from, to, run: { until: 'end', maxBatchRecords: 10 } });
    await killed.kill();
    await survivor.ended;
    expect(byNumber(await readValues(log, to))).toEqual(range(RECORDS));
    expect(await lagOf(log, group, from)).toBe(0);
  });
});
