import { describe, expect, it } from 'vitest';
import { compactedTopic } from '../../../src/log/topics.ts';
import { LogChild } from './child-process.ts';
import type { LogFactory, PlaceOf } from './place.ts';
import {
  appendAll,
  byNumber,
  copying,
  failureOf,
  numbered,
  range,
  readValues,
  scripted,
  textOf,
  upTo,
} from './tasks.ts';

const ROUNDS = 5;

/** Several processes, and processes that are killed. Only for logs that other processes can open. */
export function survivingContract(factory: LogFactory, place: PlaceOf): void {
  const topics = [compactedTopic('in', 2), compactedTopic('out', 2)];
  const somewhere = (most: number): number => 1 + Math.floor(Math.random() * most);

  describe('with other processes', () => {
    it('keeps what it acknowledged through kill -9, and each append whole or not at all', async ({ skip }) => {
      if (place().child === undefined) skip('this log has no other processes');
      const first = await place().open();
      await first.ensureTopics(topics);
      await first.close();
      const size = 20;
      let begin = 0;
      const complete = new Set<number>();
      for (let round = 0; round < ROUNDS; round++) {
        const child = new LogChild(place(), 'append', 'in', String(begin), '100000', String(size));
        await child.wrote(somewhere(60));
        await child.kill();
        const acknowledged = Number(child.lines.at(-1)?.split(' ')[1]);
        const log = await place().open();
        const present = new Set(byNumber(await readValues(log, 'in')));
        await log.close();
        for (let i = begin; i < acknowledged; i++) complete.add(i);
        for (const value of complete)
          if (!present.has(value)) throw new Error(`${value} was acknowledged and lost in round ${round}.`);
        const unacknowledged = [...present].filter((value) => value >= acknowledged);
        expect([0, size]).toContain(unacknowledged.length);
        for (const value of unacknowledged) complete.add(value);
        expect(present.size).toBe(complete.size);
        begin = acknowledged + size;
      }
    });

    it('yields neither a lost nor a second output when consumers are killed', async ({ skip }) => {
      if (place().child === undefined) skip('this log has no other processes');
      const log = await place().open();
      await log.ensureTopics(topics);
      await appendAll(log, numbered('in', 0, 4_000));
      for (let round = 0; round < ROUNDS; round++) {
        const child = new LogChild(place(), 'copy', 'g', 'in', 'out');
        await child.wrote(2 + somewhere(20));
        await child.kill();
      }
      // The dead owner's lock died with it.
      await log.run(copying('g', 'in', 'out'), { until: 'end' });
      expect(byNumber(await readValues(log, 'out'))).toEqual(range(4_000));
    });

    it('works side by side: one appends, one consumes and produces, and a group here sees it all', async ({ skip }) => {
      if (place().child === undefined) skip('this log has no other processes');
      const log = await place().open();
      await log.ensureTopics(topics);
      const copier = new LogChild(place(), 'copy', 'g', 'in', 'out');
      await copier.wrote(2);
      if (factory.oneConsumerAGroup) {
        const refused = await failureOf(log.run(copying('g', 'in', 'out'), { until: 'end' }));
        expect(refused).toMatchObject({
          code: 'LOG_GROUP_OWNED',
          message: expect.stringMatching(/pid \d+ on/) as string,
        });
      }
      const appender = new LogChild(place(), 'append', 'in', '0', '40', '10');
      const stop = new AbortController();
      const seen: (string | null)[] = [];
      const follow = scripted({
        group: 'here',
        inputs: ['out'],
        process: (records) => {
          seen.push(...records.map(({ value }) => textOf(value)));
          if (seen.length >= 400) stop.abort();
          return upTo(records);
        },
      });
      await log.run(follow, { signal: stop.signal });
      await appender.ended();
      await copier.kill();
      expect(byNumber(seen)).toEqual(range(400));
    });
  });
}
