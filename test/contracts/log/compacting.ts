import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Log } from '../../../src/log/port.ts';
import { compactedTopic, deadLetterTopic } from '../../../src/log/topics.ts';
import type { LogFactory, PlaceOf } from './place.ts';
import { appendAll, failureOf, output, readRecords, readValues, scripted, textOf } from './tasks.ts';

const HOUR_MS = 3_600_000;

/** What compaction keeps. */
export function compactingContract(factory: LogFactory, place: PlaceOf): void {
  let nowMs = 1_000_000_000_000;
  async function opened(): Promise<Log> {
    const log = await place().open({ clock: () => nowMs });
    await log.ensureTopics([compactedTopic('in', 1), compactedTopic('many', 3), deadLetterTopic('dead', 1)]);
    return log;
  }
  async function contents(log: Log, topic: string, partition = 0): Promise<(number | string | null)[][]> {
    const records = await readRecords(log, topic, partition);
    return records.map(({ offset, key, value }) => [offset, textOf(key), textOf(value)]);
  }
  const compacts = it.runIf(factory.compactsOnDemand);

  compacts('keeps the latest record of each key at its offset, and topics of other cleanup as they are', async () => {
    const log = await opened();
    const values = ['a1', 'b1', 'a2', 'c1', 'b2', 'a3'];
    for (const topic of ['in', 'dead']) {
      for (const value of values) await appendAll(log, [output(topic, value[0]!, value)]);
    }
    await appendAll(log, [{ topic: 'in', key: null, value: null }]);
    await log.compact();
    expect(await contents(log, 'in')).toEqual([
      [3, 'c', 'c1'],
      [4, 'b', 'b2'],
      [5, 'a', 'a3'],
      [6, null, null],
    ]);
    expect(await readValues(log, 'dead')).toEqual(values);
    await appendAll(log, [output('in', 'd', 'd1')]);
    expect((await contents(log, 'in')).at(-1)).toEqual([7, 'd', 'd1']);
    expect(await failureOf(log.compact({ topics: ['nowhere'] }))).toMatchObject({ code: 'LOG_TOPIC_UNKNOWN' });
  });

  compacts('keeps a deletion until it is old enough and every group has read past it', async () => {
    const log = await opened();
    await appendAll(log, [output('in', 'a', 'a1'), output('in', 'b', 'b1')]);
    const readAll = (group: string): Promise<void> => log.run(scripted({ group }), { until: 'end' });
    await readAll('slow');
    await appendAll(log, [output('in', 'a', null)]);
    await readAll('fast');
    const withDeletion = [
      [1, 'b', 'b1'],
      [2, 'a', null],
    ];
    await log.compact({ tombstoneRetentionMs: 0 });
    expect(await contents(log, 'in')).toEqual(withDeletion);
    await readAll('slow');
    nowMs += HOUR_MS - 1;
    await log.compact({ tombstoneRetentionMs: HOUR_MS });
    expect(await contents(log, 'in')).toEqual(withDeletion);
    nowMs += 1;
    await log.compact({ tombstoneRetentionMs: HOUR_MS });
    expect(await contents(log, 'in')).toEqual([[1, 'b', 'b1']]);
    expect((await log.topics()).find(({ name }) => name === 'in')?.partitionInfo[0]?.endOffset).toBe(3);
  });

  compacts('lets a run pass the gaps it leaves, and ends it', async () => {
    const log = await opened();
    for (let i = 0; i < 50; i++)
      await appendAll(log, [output('in', 'same', String(i)), output('in', `own ${i % 2}`, String(i))]);
    await appendAll(log, [output('in', 'same', null), output('in', 'own 0', null)]);
    await log.compact({ tombstoneRetentionMs: 0 });
    const seen: (string | null)[] = [];
    const task = scripted({
      process: (records) => {
        seen.push(...records.map(({ value }) => textOf(value)));
        return { outputs: [], offset: records.at(-1)!.offset + 1 };
      },
    });
    await log.run(task, { until: 'end' });
    expect(seen).toEqual(['49']);
    expect((await log.groups())[0]?.committed).toEqual([{ topic: 'in', partition: 0, offset: 102 }]);
  });

  compacts('equals keeping the last of each key, whatever was appended and however often it ran', async () => {
    const step = fc.oneof(
      fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.option(fc.nat(99))), {
        minLength: 1,
        maxLength: 12,
      }),
      fc.constant('compact' as const),
    );
    const log = await opened();
    const producer = await log.producer('p');
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        const topic = `t${++run}`;
        await log.ensureTopics([compactedTopic(topic, 3)]);
        const latest = new Map<string, string | null>();
        for (const entry of steps) {
          if (entry === 'compact') await log.compact({ topics: [topic] });
          else {
            await producer.append(entry.map(([key, value]) => output(topic, key, value === null ? null : `${value}`)));
            for (const [key, value] of entry) latest.set(key, value === null ? null : `${value}`);
          }
        }
        await log.compact({ topics: [topic] });
        const kept = new Map<string | null, string | null>();
        let records = 0;
        for (const partition of [0, 1, 2]) {
          for (const { key, value } of await readRecords(log, topic, partition)) {
            kept.set(textOf(key), textOf(value));
            records++;
          }
        }
        expect(kept).toEqual(latest);
        expect(records).toBe(latest.size);
      }),
      { numRuns: 25 },
    );
  });
}
