import { describe, expect, it } from 'vitest';
import { batchBytes, planWorkers } from '../../../src/models/local/default-workers.ts';

const MIB = 1024 ** 2;
const GIB = 1024 * MIB;
const SMALL = 42 * MIB;
const BASE = 440 * MIB;

describe('workers and threads', () => {
  it.each([
    ['a laptop', {}, 8, 16 * GIB, SMALL, 8, 1],
    ['many cores', {}, 64, 256 * GIB, SMALL, 64, 1],
    ['many cores, little memory', {}, 64, 4 * GIB, SMALL, 9, 1],
    ['a larger model', {}, 64, 16 * GIB, BASE, 8, 1],
    ['a tiny container', {}, 4, GIB / 4, SMALL, 1, 1],
    ['three models', { models: 3 }, 12, 16 * GIB, SMALL, 4, 1],
    ['more models than cores', { models: 3 }, 2, 16 * GIB, SMALL, 1, 1],
    ['models that share little memory', { models: 2 }, 8, 4 * GIB, SMALL, 4, 1],
    ['threads that are asked for', { threads: 4 }, 8, 16 * GIB, SMALL, 2, 4],
    ['more threads than cores', { threads: 4 }, 2, 16 * GIB, SMALL, 1, 4],
    ['workers that are asked for, whatever there is', { workers: 5 }, 2, GIB / 4, SMALL, 5, 1],
    ['an accelerator', { isAccelerated: true }, 16, 64 * GIB, SMALL, 1, 1],
    ['two workers for an accelerator', { isAccelerated: true, workers: 2 }, 16, 64 * GIB, SMALL, 2, 1],
  ])('%s', (_, wishes, cores, memoryBytes, weights, workers, threads) => {
    expect(planWorkers(wishes, { cores, memoryBytes }, weights)).toEqual({ workers, threads });
  });

  it('leaves each batch its share of the memory', () => {
    const limits = { cores: 4, memoryBytes: 8 * GIB };
    expect(batchBytes(limits, { workers: 4, threads: 1 })).toBe(GIB / 2);
    expect(batchBytes(limits, { workers: 4, threads: 1 }, 2)).toBe(GIB / 4);
  });
});
