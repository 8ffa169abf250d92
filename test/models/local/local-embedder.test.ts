import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createEmbedder } from '../../../src/models/create-embedder.ts';
import type { Embedder } from '../../../src/models/port.ts';
import { modelFolder, tinyBert } from '../model-folders.ts';
import { cosine, leastCosine, rowOf } from '../vectors.ts';

const asInputs = (texts: readonly string[]) => texts.map((text) => ({ text }));
const words = ['the', 'bronze', 'museum', 'king', 'river', 'old', 'portrait', 'of', 'a', 'city', 'unwordly'];
const sentence = (i: number) => Array.from({ length: 1 + (i % 40) }, (_, k) => words[(i * 7 + k * 3) % 11]).join(' ');

/** Calls `onEmbed` with each batch that a worker is sent. */
function spyOnBatches(onEmbed: (worker: Worker, rows: number, tokens: number) => void): void {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own `this` below
  const send = Worker.prototype.postMessage;
  vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, message: unknown, moved) {
    const request = message as { kind: string; lengths?: Uint32Array; ids?: Int32Array };
    if (request.kind === 'embed') onEmbed(this, request.lengths!.length, request.ids!.length);
    send.call(this, message, moved as ArrayBuffer[]);
  });
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a local embedder', () => {
  let embedder: Embedder;
  beforeAll(async () => {
    embedder = await createEmbedder({ model: tinyBert, workers: 2, batchTokens: 128 });
  });
  afterAll(() => embedder.close());

  it('says what it is', () => {
    expect(embedder.info).toMatchObject({ name: 'tiny-bert', dimension: 32, maxTokens: 128, kinds: ['text'] });
    expect(embedder.info.fingerprint).toMatch(/^[0-9a-f]{64}$/);
  });

  it('gives the same vectors in any batching, order and company', async () => {
    const texts = Array.from({ length: 300 }, (_, i) => sentence(i));
    const { vectors } = await embedder.embed(asInputs(texts));
    const backwards = await embedder.embed(asInputs(texts.toReversed()));
    const alone = await Promise.all(texts.map((text) => embedder.embed([{ text }])));
    const unlike = await createEmbedder({ model: tinyBert, workers: 1, batchTokens: 2048 });
    const other = await unlike.embed(asInputs(texts));
    await unlike.close();
    expect(leastCosine(vectors, other.vectors, 32)).toBeGreaterThan(0.99999);
    texts.forEach((_, i) => {
      const row = rowOf(vectors, i, 32);
      expect(cosine(row, rowOf(backwards.vectors, texts.length - 1 - i, 32))).toBeGreaterThan(0.99999);
      expect(cosine(row, alone[i]!.vectors)).toBeGreaterThan(0.99999);
      expect(Math.abs(Math.hypot(...row) - 1)).toBeLessThan(1e-5);
    });
  });

  it('answers each call in its own order while several are in flight', async () => {
    const calls = Array.from({ length: 6 }, (_, c) => Array.from({ length: 80 }, (_, i) => sentence(c * 31 + i)));
    const together = await Promise.all(calls.map((texts) => embedder.embed(asInputs(texts))));
    for (const [c, texts] of calls.entries()) {
      const { vectors } = await embedder.embed(asInputs(texts));
      expect(leastCosine(together[c]!.vectors, vectors, 32)).toBeGreaterThan(0.99999);
    }
  });

  it('counts tokens and marks what it truncated', async () => {
    const { tokenCounts, truncated } = await embedder.embed(
      asInputs(['', 'the', 'the museum', 'the '.repeat(126), 'the '.repeat(127), 'the '.repeat(5000)]),
    );
    expect([...tokenCounts]).toEqual([2, 3, 4, 128, 128, 128]);
    expect([...truncated]).toEqual([0, 0, 0, 0, 1, 1]);
  });

  it('embeds identical texts of a window once', async () => {
    let rows = 0;
    spyOnBatches((_worker, count) => (rows += count));
    const texts = Array.from({ length: 100 }, (_, i) => sentence(i % 5));
    const { vectors, tokenCounts } = await embedder.embed(asInputs(texts));
    expect(rows).toBe(5);
    texts.forEach((_, i) => {
      expect(rowOf(vectors, i, 32)).toEqual(rowOf(vectors, i % 5, 32));
      expect(tokenCounts[i]).toBe(tokenCounts[i % 5]);
    });
  });

  it('keeps both workers at work, within the cap', async () => {
    const seen = new Map<Worker, number>();
    spyOnBatches((worker, rows, tokens) => {
      seen.set(worker, (seen.get(worker) ?? 0) + rows);
      expect(rows === 1 || tokens <= 128).toBe(true);
    });
    await embedder.embed(asInputs(Array.from({ length: 300 }, (_, i) => `${sentence(i)} ${String(i)}`)));
    expect(seen.size).toBe(2);
    expect(Math.min(...seen.values())).toBeGreaterThan(30);
  });

  it('answers a call without inputs', async () => {
    const { vectors, faults } = await embedder.embed([]);
    expect(vectors.length).toBe(0);
    expect(faults.size).toBe(0);
  });

  it('faults an input without text, and embeds the others', async () => {
    const image = { mime: 'image/png', bytes: new Uint8Array(4) };
    const { vectors, faults } = await embedder.embed([{ text: 'the museum' }, { image }, { text: 'the king' }]);
    expect([...faults.keys()]).toEqual([1]);
    expect(faults.get(1)).toMatchObject({ code: 'INPUT_NOT_READABLE', poison: true });
    expect(rowOf(vectors, 1, 32).every((value) => value === 0)).toBe(true);
    expect(Math.hypot(...rowOf(vectors, 2, 32))).toBeCloseTo(1);
  });

  it('takes any string', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('\ud800', '\udc00x', '\u0000'),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(text, { maxLength: 20 }), async (texts) => {
        const { vectors, faults, tokenCounts } = await embedder.embed(asInputs(texts));
        expect(faults.size).toBe(0);
        expect(vectors.every(Number.isFinite)).toBe(true);
        expect(tokenCounts.every((count) => count >= 2 && count <= 128)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('rejects an aborted call with the reason and goes on with the others', async () => {
    const controller = new AbortController();
    const texts = Array.from({ length: 400 }, (_, i) => `${sentence(i)} ${String(i)}`);
    const other = embedder.embed(asInputs(texts.slice(0, 50)));
    const aborted = embedder.embed(asInputs(texts), { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    expect((await other).faults.size).toBe(0);
    await expect(embedder.embed(asInputs(texts), { signal: controller.signal })).rejects.toThrow('enough');
    expect((await embedder.embed(asInputs(texts.slice(0, 5)))).tokenCounts.length).toBe(5);
  });

  it('drops the rows of a call that is aborted in mid-run', async () => {
    const controller = new AbortController();
    let rows = 0;
    spyOnBatches((_worker, count) => {
      rows += count;
      if (rows > 100) controller.abort(new Error('enough'));
    });
    const texts = Array.from({ length: 2000 }, (_, i) => `${sentence(i)} ${String(i)}`);
    await expect(embedder.embed(asInputs(texts), { signal: controller.signal })).rejects.toThrow('enough');
    await embedder.embed([{ text: 'after' }]);
    expect(rows).toBeLessThan(1000);
  });
});

describe('a local embedder that fails', () => {
  it('faults the one input on which the model fails, and embeds the rest of its batch', async () => {
    await using folder = await modelFolder('half-vocabulary');
    const embedder = await createEmbedder({ model: folder.path, workers: 2 });
    const texts = ['the', 'old', 'king', 'day', 'new', 'river', 'way', 'man'];
    const { faults, vectors } = await embedder.embed(asInputs(texts));
    const good = await embedder.embed(asInputs(texts.filter((text) => text !== 'king' && text !== 'river')));
    await embedder.close();
    expect([...faults.keys()].sort()).toEqual([2, 5]);
    expect(faults.get(2)).toMatchObject({ code: 'INPUT_NOT_EMBEDDABLE', poison: true });
    expect(good.faults.size).toBe(0);
    expect(cosine(rowOf(vectors, 7, 32), rowOf(good.vectors, 5, 32))).toBeGreaterThan(0.99999);
  });

  it('faults an input whose vector is not finite', async () => {
    await using folder = await modelFolder('not-finite');
    const embedder = await createEmbedder({ model: folder.path, workers: 1 });
    const { faults, vectors } = await embedder.embed(asInputs(['the', 'city', 'day']));
    await embedder.close();
    expect([...faults.keys()]).toEqual([1]);
    expect(faults.get(1)).toMatchObject({ code: 'EMBEDDING_NOT_FINITE', poison: true });
    expect(vectors.every(Number.isFinite)).toBe(true);
  });

  it('refuses at load a model that gives every text the same vector', async () => {
    await using folder = await modelFolder('constant');
    await expect(createEmbedder({ model: folder.path, workers: 1 })).rejects.toMatchObject({
      code: 'MODEL_CANARY_FAILED',
      poison: false,
      message: expect.stringMatching(/constant.*same vector/) as string,
    });
  });

  it('says which model could not be loaded, from where', async () => {
    await using folder = await modelFolder();
    await writeFile(join(folder.path, 'onnx', 'model.onnx'), 'not a model');
    const loaded = createEmbedder({ model: folder.path, workers: 2 });
    await expect(loaded).rejects.toMatchObject({ code: 'MODEL_LOAD_FAILED', retriable: false, poison: false });
    await expect(loaded).rejects.toThrow(/^The model tiny-bert.*model\.onnx(?!.*\.\.).*[^.]\. Check that/);
  });

  it('refuses a model of another dimension than its config says', async () => {
    await using folder = await modelFolder();
    await writeFile(join(folder.path, 'config.json'), '{"hidden_size": 48}');
    await expect(createEmbedder({ model: folder.path, workers: 1 })).rejects.toThrow(/dimension 48/);
  });

  it('says when the tokenizer is broken', async () => {
    await using folder = await modelFolder();
    await writeFile(join(folder.path, 'tokenizer.json'), '{}');
    await expect(createEmbedder({ model: folder.path, workers: 1 })).rejects.toMatchObject({
      code: 'MODEL_LOAD_FAILED',
    });
    await rm(join(folder.path, 'tokenizer.json'));
    await expect(createEmbedder({ model: folder.path, workers: 1 })).rejects.toMatchObject({ code: 'USAGE' });
  });

  it.each(['data:text/javascript,process.exit(7)', 'data:text/javascript,throw new Error("boom")'])(
    'says so when a worker does not start (%s)',
    async (script) => {
      const loaded = createEmbedder({ model: tinyBert, workers: 2, workerScript: new URL(script) });
      await expect(loaded).rejects.toMatchObject({ code: 'MODEL_LOAD_FAILED' });
    },
  );

  it('rejects what is in flight, and what comes after, when a worker dies', async () => {
    const embedder = await createEmbedder({ model: tinyBert, workers: 2 });
    let killed = false;
    spyOnBatches((worker) => {
      if (!killed) void worker.terminate();
      killed = true;
    });
    const texts = asInputs(Array.from({ length: 200 }, (_, i) => sentence(i)));
    const calls = await Promise.allSettled([embedder.embed(texts), embedder.embed(texts)]);
    for (const call of calls) {
      expect(call).toMatchObject({ status: 'rejected', reason: { code: 'MODEL_FAILED', poison: false } });
    }
    await expect(embedder.embed(texts)).rejects.toMatchObject({ code: 'MODEL_FAILED' });
    await embedder.close();
  });

  it('ends its workers on close, also in mid-run', async () => {
    const embedder = await createEmbedder({ model: tinyBert, workers: 2 });
    const workers = new Set<Worker>();
    spyOnBatches((worker) => workers.add(worker));
    const running = embedder.embed(asInputs(Array.from({ length: 2000 }, (_, i) => `${sentence(i)} ${String(i)}`)));
    const rejected = expect(running).rejects.toMatchObject({ code: 'EMBEDDER_CLOSED' });
    await vi.waitUntil(() => workers.size === 2);
    const exits = [...workers].map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
    await embedder.close();
    await rejected;
    await Promise.all(exits);
    await expect(embedder.embed([{ text: 'late' }])).rejects.toMatchObject({ code: 'EMBEDDER_CLOSED' });
    await embedder.close();
  });

  it('refuses options that make no sense', async () => {
    await expect(createEmbedder({ model: tinyBert, workers: 0 })).rejects.toMatchObject({ code: 'USAGE' });
    await expect(createEmbedder({ model: tinyBert, batchTokens: 1.5 })).rejects.toMatchObject({ code: 'USAGE' });
  });
});

describe('the fingerprint of a model folder', () => {
  it('is the same at each load and moves with weights, tokenizer and length', async () => {
    const fingerprintIn = async (path: string) => {
      const embedder = await createEmbedder({ model: path, workers: 1 });
      await embedder.close();
      return embedder.info.fingerprint;
    };
    const original = await fingerprintIn(tinyBert);
    expect(await fingerprintIn(tinyBert)).toBe(original);
    await using weights = await modelFolder('half-vocabulary');
    await using tokenizer = await modelFolder();
    const tokenizerPath = join(tokenizer.path, 'tokenizer.json');
    await writeFile(tokenizerPath, `${await import('node:fs').then((fs) => fs.readFileSync(tokenizerPath, 'utf8'))} `);
    await using length = await modelFolder();
    await writeFile(join(length.path, 'sentence_bert_config.json'), '{"max_seq_length": 64}');
    const others = await Promise.all([weights.path, tokenizer.path, length.path].map(fingerprintIn));
    expect(new Set([original, ...others]).size).toBe(4);
  });
});
