import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createEmbedder } from '../../../src/models/create-embedder.ts';
import { ImagePool } from '../../../src/models/local/image/image-pool.ts';
import { LengthPool } from '../../../src/models/local/length-pool.ts';
import { isOutOfMemory } from '../../../src/models/local/out-of-memory.ts';
import { tinyBert } from '../model-folders.ts';

const workerScript = new URL('./scarce-memory-worker.ts', import.meta.url);

/** The tokens of every batch that is sent from now on. */
function batchesFromNowOn(): number[] {
  const batches: number[] = [];
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own `this` below
  const send = Worker.prototype.postMessage;
  vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, message: unknown, moved) {
    const request = message as { kind: string; ids?: Int32Array };
    if (request.kind === 'embed') batches.push(request.ids!.length);
    send.call(this, message, moved as ArrayBuffer[]);
  });
  return batches;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('memory that runs out', () => {
  const texts = Array.from({ length: 400 }, (_, i) => ({ text: `the museum ${i} city` }));

  it('halves the batch, and remembers for the run what was too much', async () => {
    const embedder = await createEmbedder({ model: tinyBert, workers: 1, batchTokens: 512, workerScript });
    const { faults, vectors } = await embedder.embed(texts);
    const batches = batchesFromNowOn();
    const again = await embedder.embed(texts);
    await embedder.close();
    expect(faults.size).toBe(0);
    expect(vectors).toEqual(again.vectors);
    expect(Math.max(...batches)).toBeLessThanOrEqual(64);
    expect(Math.max(...batches)).toBeGreaterThan(16);
  });

  it('tries a text alone again with no other at work before it gives up', async () => {
    const embedder = await createEmbedder({ model: tinyBert, workers: 1, workerScript });
    const { faults } = await embedder.embed([...texts, { text: 'the river' }]);
    await embedder.close();
    expect(faults.size).toBe(0);
  });

  it('never makes a dead letter of it: what fits nowhere ends the run', async () => {
    const embedder = await createEmbedder({ model: tinyBert, workers: 2, workerScript });
    const running = embedder.embed([...texts, { text: 'the king' }]);
    await expect(running).rejects.toMatchObject({ code: 'MODEL_OUT_OF_MEMORY', poison: false, retriable: false });
    await expect(embedder.embed(texts)).rejects.toMatchObject({ code: 'MODEL_OUT_OF_MEMORY' });
    await embedder.close();
  });

  it.each([
    'Failed to allocate memory for requested buffer of size 4294967296',
    'bad allocation',
    'std::bad_alloc',
    'CUDA failure 2: out of memory ; GPU=0',
    'Available memory of 1048576 is smaller than requested bytes of 2097152',
    'CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED',
    'Array buffer allocation failed',
    'E_OUTOFMEMORY',
  ])('is told from other failures: %s', (reason) => {
    expect(isOutOfMemory(reason)).toBe(true);
  });

  it.each(['indices element out of data bounds', 'Invalid rank for input'])('is not seen in: %s', (reason) => {
    expect(isOutOfMemory(reason)).toBe(false);
  });
});

describe('a pool after memory ran out', () => {
  it('cuts batches of half the tokens', () => {
    const pool = new LengthPool<{ readonly length: number }>({ batchTokens: 100, pads: false });
    const rows = Array.from({ length: 40 }, () => ({ length: 10 }));
    pool.add(rows);
    const first = pool.take() ?? [];
    expect(first.length).toBe(10);
    pool.shrink(first);
    expect(pool.take()?.length).toBe(5);
    pool.shrink(first); // another worker's batch of the same size, which was cut before
    expect(pool.take()?.length).toBe(5);
  });

  it('holds no more scores of attention in a batch than memory allows', () => {
    const batchRows = (length: number) => {
      const pool = new LengthPool<{ readonly length: number }>({
        batchTokens: 8192,
        pads: false,
        batchScores: 512 * 512,
      });
      pool.add(Array.from({ length: 64 }, () => ({ length })));
      return pool.take()?.length;
    };
    expect(batchRows(64)).toBe(64);
    expect(batchRows(256)).toBe(4);
    expect(batchRows(1024)).toBe(1);
  });

  it('cuts half as many images', () => {
    const pool = new ImagePool<{ readonly bytes: Uint8Array }>({ batchImages: 8, batchBytes: 1000 });
    pool.add(Array.from({ length: 32 }, () => ({ bytes: new Uint8Array(1) })));
    pool.shrink(pool.take() ?? []);
    expect(pool.take()?.length).toBe(4);
  });
});
