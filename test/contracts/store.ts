import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { topicNames } from '../../src/log/topics.ts';
import type { RecordId } from '../../src/record/types.ts';
import { findStoreAdapter } from '../../src/sinks/stores/adapters.ts';
import { numbers, TINY_BERT, until } from '../cli/pipeline/runner.ts';
import { parseCommandLine } from '../command-lines.ts';
import { embedding } from '../sinks/fixtures.ts';
import { interrupt, MODEL, OutputPlace, type OutputFactory } from './store/place.ts';

/** Kills of the sink: a few in CI, `CONTRACT_KILLS=50` for a campaign. */
const KILLS = Number(process.env['CONTRACT_KILLS'] ?? 3);
const FREEZES = Math.ceil(KILLS / 4);
/** A sink ends within this time, its process's start included. */
const LIFE_MS = 1_500;
const AWAY_MS = 3_000;
const ROWS = 40;
const DIMENSION = 384;
const BATCH = 500;
/** A store that takes nothing for this long has had enough. */
const BLOCKED_MS = 3_000;
const MOST_IN_FLIGHT_BYTES = 64 * 1024 * 1024;

/**
 * What every output must do, files and stores: the real commands on a real log, and on the real server where the output
 * has one. It is looked at through the factory's own reader.
 */
export function describeOutputContract(factory: OutputFactory): void {
  const isStore = factory.isStore;
  const opened = (): Promise<OutputPlace> => OutputPlace.create(factory);

  describe(`output contract: ${factory.name}`, { timeout: 180_000 }, () => {
    it('holds what the log holds, and has nothing to do when it is run again', async () => {
      const output = await opened();
      await output.feed(numbers(0, ROWS));
      expect(await output.sink()).toMatchObject({ embeddings: ROWS });
      await output.expectComplete();
      expect(await output.sink()).toMatchObject({ embeddings: 0, deletions: 0 });
      await output.expectComplete();
    });

    it('follows deletions and changed texts', async () => {
      const output = await opened();
      await output.feed(numbers(0, ROWS));
      await output.sink();
      await output.feed(
        numbers(10, ROWS + 5),
        new Map([
          [20, 'another text'],
          [21, 'one more'],
        ]),
      );
      await output.sink();
      await output.expectComplete();
      // What was deleted comes again.
      await output.feed(numbers(0, ROWS));
      await output.sink();
      await output.expectComplete();
    });

    it('keeps the embeddings of a second model beside those of the first', async () => {
      const output = await opened();
      await output.feed(numbers(0, ROWS));
      await output.sink();
      await output.run(['process', `--model=${TINY_BERT}`]);
      await output.run(['sink', factory.name, ...output.flagsOf('tiny-bert'), '--model=tiny-bert']);
      for (const model of [MODEL, 'tiny-bert']) await output.expectComplete(model);
    });

    it('is there, and complete, when there is nothing to write', async () => {
      const output = await opened();
      await output.feedRows([]);
      expect(await output.sink()).toMatchObject({ embeddings: 0 });
      expect((await output.target.contents(MODEL)).size).toBe(0);
      expect(await output.reconcile()).toMatchObject({ differences: 0 });
      await output.feed([1]);
      await output.sink();
      await output.expectComplete();
    });

    it('makes a dead letter of what is no embedding, and writes the rest', async () => {
      const output = await opened();
      await output.feed(numbers(0, 5));
      await output.poison('poison', Buffer.from('no embedding'));
      await output.feed(numbers(0, 8));
      expect(await output.sink([], 1)).toMatchObject({ embeddings: 8, deadLettered: 1 });
      const reason = expect.stringMatching(/^CODEC_/) as string;
      expect(await output.letters()).toEqual([{ id: 'poison', value: 'no embedding', reason }]);
      await output.expectComplete();
      expect(await output.sink()).toMatchObject({ embeddings: 0, deadLettered: 0 });
      expect(await output.letters()).toHaveLength(1);
    });

    it.runIf(factory.refused !== undefined)(
      'makes a dead letter of what it refuses, which reconcile counts as that',
      async () => {
        const output = await opened();
        const { id = '', code = '', ofRecords = false } = factory.refused ?? {};
        await output.feedRows([
          ['d1', 'a text', 1],
          [id, 'refused', 2],
          ['d3', 'a text as well', 3],
        ]);
        expect(await output.sink([], 1)).toMatchObject({
          embeddings: 2,
          deadLettersByReason: { [code]: ofRecords ? 2 : 1 },
        });
        const value = (await output.place.live(topicNames('embedstream').embeddings(MODEL))).get(id)?.value;
        const letter = { id, reason: code, value: Buffer.from(value ?? []).toString('latin1') };
        expect(await output.letters()).toContainEqual(letter);
        const expected = await output.expected();
        expected.delete(id);
        await output.expectComplete(MODEL, expected);
        const reconciled = await output.reconcile();
        expect(reconciled['sinks']).toMatchObject([{ live: 2, deadLettered: 1 }]);
        // Nobody tries again what stays refused.
        expect(await output.reconcile(['--repair'])).toMatchObject({ repaired: [] });
      },
    );

    it('is the same after a replay, and so is another one filled from the same log', async () => {
      const output = await opened();
      await output.feed(numbers(0, ROWS));
      await output.sink();
      await output.feed(numbers(5, ROWS), new Map([[7, 'another text']]));
      await output.sink();
      const replay = ['replay', `--sink=${factory.name}`, ...output.flagsOf(MODEL), `--model=${MODEL}`];
      await output.run(replay);
      await output.expectComplete();
      await output.run([...replay, '--from=20']);
      await output.expectComplete();
      const other = await output.another();
      await other.sink();
      await other.expectComplete();
    });

    it(`loses and doubles nothing under kill -9 (${KILLS} times)`, { timeout: 60_000 + KILLS * 15_000 }, async () => {
      const output = await opened();
      let kills = 0;
      for (let round = 1; kills < KILLS; round++) {
        const changed = numbers(0, round * 3).map((i): [number, string] => [i * 7, `text of round ${round}`]);
        await output.feed(numbers(round * 4, round * 60), new Map(changed));
        const force = isStore && round % 2 === 0 ? ['--force'] : [];
        const running = output.start(...output.sinkArguments(...force));
        const exit = await interrupt(running, 'SIGKILL', Math.random() * LIFE_MS);
        if (exit === undefined) kills += (await running.ended).signal === 'SIGKILL' ? 1 : 0;
        else expect(exit).toMatchObject({ code: 0 });
      }
      await output.sink();
      await output.expectComplete();
    });

    it('is not written to by an owner that was frozen and taken over', async () => {
      const output = await opened();
      for (let round = 0; round < FREEZES; round++) {
        await output.feed(numbers(0, 400), new Map([[1, `before ${round}`]]));
        await output.sink();
        await output.feed(numbers(0, 1_200), new Map(numbers(0, 900).map((i) => [i, `older ${i} ${round}`])));
        const frozen = output.start(...output.sinkArguments());
        const early = await output.freeze(frozen, 300 + Math.random() * 700);
        await output.feed(numbers(100, 1_200), new Map(numbers(0, 900).map((i) => [i, `newer ${i} ${round}`])));
        await output.sink(['--take-over']);
        frozen.child.kill('SIGCONT');
        const { code, stderr } = early ?? (await frozen.ended);
        if (code !== 0) expect(stderr).toMatch(/taken over|is being run by|Another process writes/);
        if (output.target.mayReviveDeleted === true)
          await output.mendRevived(new Set(numbers(0, 100).map((i) => `d${i}`)));
        await output.expectComplete();
      }
    });

    it.runIf(isStore)('waits for a server that is away, and loses nothing', async ({ skip }) => {
      const output = await opened();
      if (output.target.away === undefined) return skip('it can not be away');
      await output.feed(numbers(0, ROWS));
      await output.sink();
      await output.feed(numbers(5, 400), new Map([[7, 'another text']]));
      const back = await output.target.away();
      const running = output.start(...output.sinkArguments());
      const early = await Promise.race([running.ended, delay(AWAY_MS)]);
      await back();
      expect(early).toBeUndefined();
      expect(await running.ended).toMatchObject({ code: 0 });
      await output.expectComplete();
    });

    it.runIf(isStore)('takes no more than a bound while its server is away', async ({ skip }) => {
      const output = await opened();
      if (output.target.away === undefined) return skip('it can not be away');
      expect(await takenWhileAway(output)).toBeLessThan(MOST_IN_FLIGHT_BYTES);
    });

    it.runIf(isStore)('follows, and writes what trickles in', async () => {
      const output = await opened();
      await output.feed(numbers(0, ROWS));
      const running = output.start(...output.sinkArguments('--follow'));
      const isWritten = async (count: number): Promise<boolean> =>
        (await output.target.contents(MODEL).catch(() => new Map())).size === count;
      await until(() => isWritten(ROWS), running);
      await output.feed(numbers(0, ROWS + 1));
      await until(() => isWritten(ROWS + 1), running);
      running.child.kill('SIGINT');
      expect(await running.ended).toMatchObject({ code: 130 });
      await output.expectComplete();
    });

    it.runIf(isStore)('is repaired id by id: what is missing, stale and too much', async () => {
      const output = await opened();
      await output.feed(numbers(0, ROWS));
      await output.sink();
      const { damage } = output.target;
      if (damage === undefined) throw new Error('A store must say how it is damaged.');
      await damage.remove(MODEL, 'd1');
      await damage.age(MODEL, 'd2');
      await damage.add(MODEL, factory.strayId ?? 'stray');
      const { sinks } = await output.reconcile([], 1);
      const ids = [
        { kind: 'sink-missing', id: 'd1' },
        { kind: 'sink-stale', id: 'd2' },
        { kind: 'sink-orphan', id: factory.strayId ?? 'stray' },
      ];
      expect(sinks).toMatchObject([{ live: ROWS - 2, ids }]);
      expect(await output.reconcile(['--repair'])).toMatchObject({ differences: 0 });
      await output.expectComplete();
    });
  });
}

/** Bytes of vectors that a store takes while its server is away, until it takes no more. */
async function takenWhileAway(output: OutputPlace): Promise<number> {
  const { options } = parseCommandLine(output.sinkArguments());
  const environment = { ...process.env, ...output.factory.environment };
  const adapter = await findStoreAdapter(output.factory.name)?.();
  if (adapter === undefined) throw new Error(`There is no adapter ${output.factory.name}.`);
  const store = await adapter.open({
    ...{ options, environment, model: MODEL, dimension: DIMENSION, similarity: 'cosine', sinkName: 'in-flight' },
    location: adapter.locate(options, environment, MODEL),
    clock: Date.now,
    onWarning: () => undefined,
  });
  await store.prepare('keep');
  const signal = new AbortController().signal;
  const partition = await store.openEmbeddings({ partition: 0, signal, assertOwner: () => Promise.resolve() });
  const back = await output.target.away?.();
  let offset = 0;
  let writing: Promise<unknown> = Promise.resolve();
  try {
    for (let isBlocked = false; !isBlocked && offset * DIMENSION * 4 < MOST_IN_FLIGHT_BYTES;) {
      const changes = numbers(offset, offset + BATCH).map((i) => {
        const id = `bound-${i}`;
        return { offset: i, id, embedding: embedding(i, DIMENSION, { recordId: id as RecordId, model: MODEL }) };
      });
      writing = partition.write(changes);
      const first = await Promise.race([writing.then(() => 'taken'), delay(BLOCKED_MS, 'blocked')]);
      isBlocked = first === 'blocked';
      if (!isBlocked) offset += BATCH;
    }
    return offset * DIMENSION * 4;
  } finally {
    await back?.();
    await writing;
    await partition.close();
    await store.close();
  }
}
