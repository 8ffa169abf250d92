import { expect, it } from 'vitest';
import type { GroupMember, Log } from '../../../src/log/port.ts';
import { compactedTopic } from '../../../src/log/topics.ts';
import type { LogFactory, PlaceOf } from './place.ts';
import {
  appendAll,
  committedOf,
  failureOf,
  gate,
  numbered,
  output,
  readValues,
  scripted,
  textOf,
  upTo,
} from './tasks.ts';

async function membersOf(log: Log, name: string): Promise<readonly GroupMember[]> {
  return (await log.groups()).find(({ group }) => group === name)?.members ?? [];
}

/** Who may commit for a group. */
export function owningContract(factory: LogFactory, place: PlaceOf): void {
  async function opened(): Promise<Log> {
    const log = await place().open();
    await log.ensureTopics([compactedTopic('in', 1), compactedTopic('out', 1)]);
    return log;
  }

  it.runIf(factory.oneConsumerAGroup)(
    'refuses a second consumer of a group with the reason, while the first one lives',
    async () => {
      const first = await opened();
      const second = await place().open();
      const stop = new AbortController();
      const started = gate();
      const run = first.run(scripted({ open: started.open }), { signal: stop.signal });
      await started.opened;
      for (const log of [first, second]) {
        const error = await failureOf(log.run(scripted({}), { until: 'end' }));
        expect(error).toMatchObject({ code: 'LOG_GROUP_OWNED' });
        expect(error.message).toMatch(/"g".*(pid \d+ on .* since \d{4}-|memory log \d).*Kafka/);
        expect(await failureOf(log.resetGroup('g', [{ topic: 'in', partition: 0, offset: 0 }]))).toMatchObject({
          code: 'LOG_GROUP_OWNED',
        });
      }
      expect(await membersOf(second, 'g')).toEqual([
        { name: expect.stringMatching(/pid|memory/) as string, assigned: [{ topic: 'in', partition: 0 }] },
      ]);
      await second.run(scripted({ group: 'another' }), { until: 'end' });
      stop.abort();
      await run;
      expect(await membersOf(second, 'g')).toEqual([]);
      await second.run(scripted({}), { until: 'end' });
    },
  );

  it.runIf(factory.oneConsumerAGroup)(
    'fences an owner that was taken over: its outputs and offset are not written',
    async () => {
      const older = await opened();
      const newer = await place().open();
      await appendAll(older, numbered('in', 0, 4));
      const holding = gate();
      const takenOver = gate();
      const copy = (name: string, wait?: Promise<void>) =>
        scripted({
          process: async (records) => {
            holding.open();
            await wait;
            return upTo(
              records,
              records.map(({ value }) => output('out', name, `${name} ${textOf(value)}`)),
            );
          },
        });
      const frozen = failureOf(older.run(copy('older', takenOver.opened)));
      await holding.opened;
      await newer.run(copy('newer'), { until: 'end', takeOver: true });
      takenOver.open();
      expect(await frozen).toMatchObject({ code: 'LOG_FENCED' });
      expect(await readValues(newer, 'out')).toEqual([0, 1, 2, 3].map((i) => `newer ${i}`));
      expect(await committedOf(newer, 'g')).toEqual([{ topic: 'in', partition: 0, offset: 4 }]);
    },
  );

  it.runIf(factory.oneConsumerAGroup)(
    'tells an owner that was taken over, before it writes to what the log can not fence',
    async () => {
      const older = await opened();
      const newer = await place().open();
      await appendAll(older, numbered('in', 0, 4));
      const holding = gate();
      const takenOver = gate();
      const asked: string[] = [];
      const frozen = older.run(
        scripted({
          process: async (records, { assertOwner }) => {
            await assertOwner();
            asked.push('owner');
            holding.open();
            await takenOver.opened;
            asked.push((await failureOf(assertOwner())).code ?? '');
            return upTo(records);
          },
        }),
      );
      const ended = failureOf(frozen);
      await holding.opened;
      const copy = scripted({
        process: async (records, { assertOwner }) => {
          await assertOwner();
          return upTo(records);
        },
      });
      await newer.run(copy, { until: 'end', takeOver: true });
      takenOver.open();
      expect(await ended).toMatchObject({ code: 'LOG_FENCED' });
      expect(asked).toEqual(['owner', 'LOG_FENCED']);
    },
  );
}
