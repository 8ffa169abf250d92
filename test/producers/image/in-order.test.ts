import { expect, it } from 'vitest';
import { inOrder } from '../../../src/producers/image/in-order.ts';

const LIMITS = { mostItems: 4, mostBytes: 100 };

async function all<Result>(results: AsyncIterable<Result>): Promise<Result[]> {
  const list: Result[] = [];
  for await (const result of results) list.push(result);
  return list;
}

/** Promises that are settled by hand. */
function gates(count: number) {
  return Array.from({ length: count }, () => Promise.withResolvers<undefined>());
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('results come in order, whichever is ready first, and no more than a few are worked on', async () => {
  const open = gates(8);
  const begun: number[] = [];
  const results = all(
    inOrder(
      [...open.keys()],
      async (i) => {
        begun.push(i);
        await open[i]!.promise;
        return i;
      },
      LIMITS,
    ),
  );
  await turn();
  expect(begun).toEqual([0, 1, 2, 3]);
  for (const { resolve } of open.toReversed()) {
    resolve(undefined);
    await turn();
  }
  expect(await results).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

it('what would hold too many bytes waits until there is room; what is next never waits', async () => {
  let held = 0;
  let most = 0;
  const sizes = [60, 60, 10, 500, 60, 60, 90, 1];
  const results = inOrder(
    sizes,
    async (bytes, reserve) => {
      await reserve(bytes);
      held += bytes;
      if (bytes < 500) most = Math.max(most, held);
      await turn();
      return bytes;
    },
    LIMITS,
  );
  const seen: number[] = [];
  for await (const bytes of results) {
    await turn();
    held -= bytes;
    seen.push(bytes);
  }
  expect(seen).toEqual(sizes);
  expect(most).toBeLessThanOrEqual(100);
});

it('a smaller size that is said later makes room for others', async () => {
  const open = gates(2);
  const begun: number[] = [];
  const results = all(
    inOrder(
      [0, 1],
      async (i, reserve) => {
        await reserve(80);
        begun.push(i);
        if (i === 0) await reserve(1);
        await open[i]!.promise;
        return i;
      },
      LIMITS,
    ),
  );
  await turn();
  expect(begun).toEqual([0, 1]);
  for (const { resolve } of open) resolve(undefined);
  expect(await results).toEqual([0, 1]);
});

it('a failure ends it in its turn, and stops the others', async () => {
  const stopped: number[] = [];
  const results = all(
    inOrder(
      [0, 1, 2, 3],
      async (i, reserve, signal) => {
        await reserve(60);
        if (i === 1) throw new Error('broken');
        if (i > 1)
          await new Promise<void>((resolve) => {
            const stop = (): void => {
              stopped.push(i);
              resolve();
            };
            if (signal.aborted) stop();
            else signal.addEventListener('abort', stop);
          });
        return i;
      },
      { mostItems: 4, mostBytes: 1000 },
    ),
  );
  await expect(results).rejects.toThrow('broken');
  expect(stopped).toEqual([2, 3]);
});
