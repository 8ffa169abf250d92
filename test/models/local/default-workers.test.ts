import { availableParallelism } from 'node:os';
import { expect, it } from 'vitest';
import { defaultWorkers, workersFor } from '../../../src/models/local/default-workers.ts';

const GIB = 1024 ** 3;

it.each([
  ['a laptop', 8, 16 * GIB, 8],
  ['many cores', 64, 256 * GIB, 64],
  ['many cores, little memory', 64, 4 * GIB, 8],
  ['a small container', 4, GIB, 2],
  ['a tiny one', 4, GIB / 4, 1],
])('%s', (_, cores, memory, workers) => {
  expect(workersFor(cores, memory)).toBe(workers);
});

it('takes no more workers than cores on this machine', () => {
  expect(defaultWorkers()).toBeGreaterThanOrEqual(1);
  expect(defaultWorkers()).toBeLessThanOrEqual(availableParallelism());
});
