import { expect, it } from 'vitest';
import type { Log, Task } from '../../../src/log/port.ts';
import { compactedTopic } from '../../../src/log/topics.ts';
import type { LogFactory, PlaceOf } from './place.ts';
import {
  appendAll,
  byNumber,
  committedOf,
  copying,
  failureOf,
  gate,
  numbered,
  output,
  range,
  readRecords,
  readValues,
  scripted,
  textOf,
  upTo,
} from './tasks.ts';

/** Running tasks: transactions, ends, pauses, stops. */
export function runningContract(factory: LogFactory, place: PlaceOf): void {
  /** Where reading goes on after `records` records: behind what a server puts between them, which counts as read. */
  async function after(log: Log, topic: string, records: number): Promise<number> {
    if (factory.numbersWithoutGaps) return records;
    const offsets = (await readRecords(log, topic)).map(({ offset }) => offset);
    const end = (await log.topics()).find(({ name }) => name === topic)?.partitionInfo[0]?.endOffset ?? 0;
    return offsets[records] ?? end;
  }

  async function opened(): Promise<Log> {
    const log = await place().open();
    await log.ensureTopics([
      compactedTopic('in', 1),
      compactedTopic('out', 1),
      compactedTopic('in3', 3),
      compactedTopic('out3', 3),
    ]);
    return log;
  }

  it('hands over every record once, in order, and ends at the end', async () => {
    const log = await opened();
    await appendAll(log, numbered('in3', 0, 300));
    // A marker that is written only later would move the end after the run: whoever can read the records has it before them.
    for (const partition of range(3)) await readRecords(log, 'in3', partition);
    const seen: number[] = [];
    const ends: string[] = [];
    await log.run(
      scripted({
        inputs: ['in3'],
        process: (records) => {
          seen.push(...records.map(({ value }) => Number(textOf(value))));
          expect(records.length).toBeLessThanOrEqual(7);
          expect(records.map(({ offset }) => offset)).toEqual(records.map((_, i) => records[0]!.offset + i));
          return upTo(records);
        },
        idle: (reason) => {
          ends.push(reason);
          return { outputs: [] };
        },
        close: (reason) => ends.push(reason),
      }),
      { until: 'end', maxBatchRecords: 7 },
    );
    expect(seen.sort((a, b) => a - b)).toEqual(range(300));
    expect(ends.sort()).toEqual(['done', 'done', 'done', 'end', 'end', 'end']);
    const inputs = (await log.topics()).find(({ name }) => name === 'in3')!.partitionInfo;
    expect(await committedOf(log, 'g')).toEqual(
      inputs.map(({ partition, endOffset }) => ({ topic: 'in3', partition, offset: endOffset })),
    );
  });

  it('ends exactly at the end seen at the start, also while somebody appends', async () => {
    const log = await opened();
    const other = await (await place().open()).producer('other');
    await appendAll(log, numbered('in', 0, 50));
    const task = copying('g', 'in', 'out');
    const appending = scripted({
      process: async (records) => {
        await other.append(numbered('in', 1_000, 10));
        return upTo(
          records,
          records.map(({ value }) => output('out', 'k', textOf(value))),
        );
      },
    });
    await log.run(appending, { until: 'end', maxBatchRecords: 5 });
    expect(await readValues(log, 'out')).toEqual(range(50).map(String));
    expect(await committedOf(log, 'g')).toEqual([{ topic: 'in', partition: 0, offset: await after(log, 'in', 50) }]);
    await log.run(task, { until: 'end' });
    expect(await readValues(log, 'out')).toHaveLength(50 + 100);
  });

  it('follows until a promise settles, then to the end as seen then', async () => {
    const log = await opened();
    const until = gate();
    const seen: (string | null)[] = [];
    const first = gate();
    const ends: string[] = [];
    const run = log.run(
      scripted({
        process: (records) => {
          seen.push(...records.map(({ value }) => textOf(value)));
          first.open();
          return upTo(records);
        },
        idle: (reason) => {
          ends.push(reason);
          return { outputs: [] };
        },
      }),
      { until: until.opened, quietMs: 60_000 },
    );
    const producer = await (await place().open()).producer('p');
    await producer.append(numbered('in', 0, 3));
    await first.opened;
    await producer.append(numbered('in', 3, 40));
    until.open();
    await run;
    expect(seen).toEqual(range(43).map(String));
    expect(ends).toEqual(['end']);
  });

  it('resumes where each group committed, independently; earliest and latest are where it begins', async () => {
    const log = await opened();
    await appendAll(log, numbered('in', 0, 10));
    const seen: Record<string, (string | null)[]> = {};
    const run = async (group: string, startAt?: 'earliest' | 'latest'): Promise<void> => {
      const task = scripted({
        group,
        process: (records) => {
          (seen[group] ??= []).push(...records.map(({ value }) => textOf(value)));
          return upTo(records);
        },
      });
      await log.run(task, { until: 'end', ...(startAt === undefined ? {} : { startAt }) });
    };
    await run('one');
    await run('late', 'latest');
    expect(seen).toEqual({ one: range(10).map(String) });
    await appendAll(log, numbered('in', 10, 2));
    await run('one');
    await run('two', 'earliest');
    expect(seen).toEqual({ one: range(12).map(String), two: range(12).map(String) });
    const offset = await after(log, 'in', 11);
    await log.resetGroup('two', [{ topic: 'in', partition: 0, offset }]);
    await run('two', 'latest');
    expect(seen['two']!.slice(12)).toEqual(['11']);
  });

  it('writes outputs and offset in one transaction: a run that fails leaves neither without the other', async () => {
    const log = await opened();
    await appendAll(log, numbered('in3', 0, 120));
    const closed: string[] = [];
    for (const failAt of [1, 3, 7]) {
      let calls = 0;
      const failing = scripted({
        inputs: ['in3'],
        process: (records, { partition }) => {
          if (++calls === failAt) throw new Error('the task failed');
          return upTo(
            records,
            records.map(({ key, value }) => ({ topic: 'out3', partition, key, value })),
          );
        },
        close: (reason) => closed.push(reason),
      });
      await expect(log.run(failing, { until: 'end', maxBatchRecords: 5 })).rejects.toThrow('the task failed');
      const committed = (await committedOf(log, 'g')).reduce((sum, { offset }) => sum + offset, 0);
      expect(await readValues(log, 'out3')).toHaveLength(committed);
    }
    expect(closed).toEqual(Array.from({ length: 9 }, () => 'failed'));
    await log.run(copying('g', 'in3', 'out3'), { until: 'end' });
    expect(byNumber(await readValues(log, 'out3'))).toEqual(range(120));
  });

  it('ends a run whose output can not be written, and commits nothing of it', async () => {
    const log = await opened();
    await appendAll(log, numbered('in', 0, 2));
    const task = scripted({
      process: (records) => upTo(records, [output('out', 'a', 'b'), output('nowhere', 'a', 'b')]),
    });
    expect(await failureOf(log.run(task, { until: 'end' }))).toMatchObject({ code: 'LOG_TOPIC_UNKNOWN' });
    expect([await readValues(log, 'out'), await committedOf(log, 'g')]).toEqual([[], []]);
  });

  it('refuses an offset that was not handed over', async () => {
    const log = await opened();
    await appendAll(log, numbered('in', 0, 2));
    const task = scripted({ process: () => ({ outputs: [], offset: 30 }) });
    expect(await failureOf(log.run(task, { until: 'end' }))).toMatchObject({ code: 'LOG_OFFSET_INVALID' });
  });

  it('processes the next records while a transaction is written, with no two calls of a task at once', async () => {
    const log = await opened();
    await appendAll(log, numbered('in', 0, 50));
    const events: string[] = [];
    let inside = 0;
    const call = async (name: string): Promise<void> => {
      expect(++inside).toBe(1);
      events.push(name);
      await Promise.resolve();
      inside--;
    };
    await log.run(
      scripted({
        process: async (records) => {
          await call(`process ${records[0]!.offset}`);
          return upTo(records);
        },
        idle: async (reason) => {
          await call(reason);
          return { outputs: [] };
        },
        committed: (progress) => call(`committed ${progress.offset! - 10}`),
      }),
      { until: 'end', maxBatchRecords: 10 },
    );
    const committed = events.filter((event) => event.startsWith('committed'));
    expect(committed).toEqual([0, 10, 20, 30, 40].map((offset) => `committed ${offset}`));
    for (const offset of [0, 10, 20, 30, 40]) {
      expect(events.indexOf(`committed ${offset}`)).toBeGreaterThan(events.indexOf(`process ${offset}`));
      const after = events.indexOf(`process ${offset + 20}`);
      if (after >= 0) expect(events.indexOf(`committed ${offset}`)).toBeLessThan(after);
    }
    expect(events.indexOf('process 10')).toBeLessThan(events.indexOf('committed 0'));
  });

  it('tells a task of its commit although no further record comes', async () => {
    const log = await opened();
    const stop = new AbortController();
    const run = log.run(
      scripted({
        committed: () => {
          stop.abort();
        },
      }),
      { signal: stop.signal, quietMs: 60_000 },
    );
    await appendAll(log, numbered('in', 0, 1));
    await run;
  });

  it('writes nothing for a progress that says nothing', async () => {
    const log = await opened();
    await appendAll(log, numbered('in', 0, 5));
    let committed = 0;
    const task = scripted({
      process: () => ({ outputs: [] }),
      committed: () => {
        committed++;
      },
    });
    await log.run(task, { until: 'end' });
    expect([committed, await committedOf(log, 'g')]).toEqual([0, []]);
  });

  it('calls a pause quiet once, and again after further records', async () => {
    const log = await opened();
    const producer = await log.producer('p');
    const stop = new AbortController();
    const events: string[] = [];
    let quiets = 0;
    const run = log.run(
      scripted({
        process: (records) => {
          events.push(`process ${records.length}`);
          return { outputs: [] };
        },
        idle: (reason) => {
          events.push(reason);
          if (reason === 'quiet') {
            if (++quiets === 1) void producer.append(numbered('in', 1, 1));
            // A second pause for the same records would come before this.
            else
              setTimeout(() => {
                stop.abort();
              }, 100);
          }
          return { outputs: [] };
        },
      }),
      { signal: stop.signal, quietMs: 20 },
    );
    await producer.append(numbered('in', 0, 1));
    await run;
    expect(events).toEqual(['process 1', 'quiet', 'process 1', 'quiet', 'stop']);
  });

  it('stops cleanly: what is in flight is flushed, committed and told, then the task is closed', async () => {
    const log = await opened();
    await appendAll(log, numbered('in', 0, 20));
    const stop = new AbortController();
    const held: string[] = [];
    const events: string[] = [];
    await log.run(
      scripted({
        process: (records) => {
          held.push(...records.map(({ value }) => textOf(value)!));
          stop.abort();
          return { outputs: [] };
        },
        idle: (reason, { signal }) => {
          events.push(reason, signal.aborted ? 'aborted' : 'not aborted');
          return { outputs: held.map((value) => output('out', value, value)), offset: held.length };
        },
        committed: () => {
          events.push('committed');
        },
        close: (reason) => events.push(reason),
      }),
      { signal: stop.signal, maxBatchRecords: 6 },
    );
    expect(events).toEqual(['stop', 'not aborted', 'committed', 'done']);
    expect(await readValues(log, 'out')).toEqual(range(6).map(String));
    expect(await committedOf(log, 'g')).toEqual([{ topic: 'in', partition: 0, offset: 6 }]);
  });

  it('reads again from where a task says it must, and the group’s offset follows from there', async () => {
    const log = await opened();
    await appendAll(log, numbered('in', 0, 20));
    await log.run(copying('g', 'in', 'out'), { until: 'end' });
    const seen: number[] = [];
    const again = (stopAfter: number): Task =>
      scripted({
        startOffset: 5,
        process: (records) => {
          if (seen.length >= stopAfter) throw new Error('broken off');
          seen.push(...records.map(({ offset }) => offset));
          return upTo(records);
        },
      });
    await failureOf(log.run(again(6), { until: 'end', maxBatchRecords: 3 }));
    expect(seen).toEqual(range(20).slice(5, 11));
    const [committed] = await committedOf(log, 'g');
    expect(committed!.offset).toBeGreaterThanOrEqual(8);
    expect(committed!.offset).toBeLessThanOrEqual(11);
    seen.length = 0;
    await log.run(again(100), { until: 'end', maxBatchRecords: 3 });
    expect(seen).toEqual(range(20).slice(5));
    expect(await committedOf(log, 'g')).toEqual([{ topic: 'in', partition: 0, offset: await after(log, 'in', 20) }]);
  });

  it('stops what still runs when it is closed', async () => {
    const log = await opened();
    const started = gate();
    const ends: string[] = [];
    const run = log.run(scripted({ open: started.open, close: (reason) => ends.push(reason) }));
    await started.opened;
    await log.close();
    await run;
    expect(ends).toEqual(['done']);
  });

  it('hands over no more than the bytes it was told in one call, and at least one record', async () => {
    const log = await opened();
    const value = 'x'.repeat(1_000);
    await appendAll(log, [
      ...range(40).map((i) => output('in', `${i}`, value)),
      output('in', 'large', value.repeat(9)),
    ]);
    const sizes: number[] = [];
    await log.run(
      scripted({
        process: (records) => {
          sizes.push(records.reduce((sum, record) => sum + record.value!.length, 0));
          return upTo(records);
        },
      }),
      { until: 'end', maxBatchBytes: 5_000 },
    );
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(49_000);
    expect(sizes.filter((size) => size > 5_000)).toEqual([9_000]);
  });
}
