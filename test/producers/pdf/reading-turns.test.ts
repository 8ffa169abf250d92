import { expect, test } from 'vitest';
import { ReadingTurns, type Turn } from '../../../src/producers/pdf/reading-turns.ts';

function place(atOnce: number, ahead: number, documents: number): { turns: Turn[]; granted: () => Promise<number[]> } {
  const places = new ReadingTurns(atOnce, ahead);
  const granted: number[] = [];
  const turns = Array.from({ length: documents }, (_, index) => {
    const turn = places.take();
    void turn.granted.then(() => granted.push(index));
    return turn;
  });
  return {
    turns,
    granted: async () => {
      await Promise.resolve();
      await Promise.resolve();
      return granted;
    },
  };
}

test('as many are read as may be, in their order', async () => {
  const { turns, granted } = place(2, 10, 5);
  expect(await granted()).toEqual([0, 1]);
  turns[1]!.endReading();
  turns[1]!.endReading();
  expect(await granted()).toEqual([0, 1, 2]);
  turns[0]!.leave();
  turns[0]!.leave();
  expect(await granted()).toEqual([0, 1, 2, 3]);
});

test('no more are read ahead than may wait to be taken', async () => {
  const { turns, granted } = place(1, 2, 4);
  turns[0]!.endReading();
  turns[1]!.endReading();
  expect(await granted()).toEqual([0, 1]);
  turns[0]!.leave();
  expect(await granted()).toEqual([0, 1, 2]);
});

test('one that somebody waits for never waits for those that nobody takes', async () => {
  const { turns, granted } = place(1, 1, 4);
  turns[3]!.hurry();
  expect(await granted()).toEqual([0, 3]);
  turns[3]!.leave();
  expect(await granted()).toEqual([0, 3]);
  turns[0]!.leave();
  expect(await granted()).toEqual([0, 3, 1]);
});

test('of those that somebody waits for no more are read at once than may be', async () => {
  const { turns, granted } = place(1, 2, 5);
  for (const turn of turns.toReversed()) turn.hurry();
  // The first one had its turn before; in the end it is waited for too.
  expect(await granted()).toEqual([0, 4]);
  turns[4]!.endReading();
  expect(await granted()).toEqual([0, 4]);
  turns[0]!.leave();
  expect(await granted()).toEqual([0, 4, 1]);
});

test('one that leaves before its turn takes none', async () => {
  const { turns, granted } = place(1, 4, 3);
  turns[1]!.leave();
  turns[1]!.hurry();
  turns[0]!.endReading();
  expect(await granted()).toEqual([0, 2]);
});
