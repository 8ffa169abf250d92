import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createEmbedder } from '../../../../src/models/create-embedder.ts';
import { embedStream } from '../../../../src/models/embed-stream.ts';
import type { Embedder, EmbedInput } from '../../../../src/models/port.ts';
import { clipFolder, clipImages, clipVectors, tinyClip } from '../../model-folders.ts';
import { rowOf } from '../../vectors.ts';

interface Reference {
  readonly images: Readonly<Record<string, readonly number[]>>;
  readonly queries: readonly { readonly text: string; readonly tokens: number; readonly vector: readonly number[] }[];
}

const reference = JSON.parse(await readFile(clipVectors, 'utf8')) as Reference;
const names = Object.keys(reference.images);
const pictures = await Promise.all(names.map((name) => readFile(join(clipImages, name))));
const inputs: EmbedInput[] = pictures.map((bytes) => ({ image: { mime: 'image/any', bytes } }));

function largestDifference(left: Float32Array, right: readonly number[]): number {
  expect(left.length).toBe(right.length);
  return Math.max(...right.map((value, i) => Math.abs(value - left[i]!)));
}

/** Calls `onBatch` with each batch of images that a worker is sent. */
function spyOnBatches(onBatch: (worker: Worker, images: readonly Uint8Array[]) => void): void {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own `this` below
  const send = Worker.prototype.postMessage;
  vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, message: unknown, moved) {
    const request = message as { kind: string; images?: readonly Uint8Array[] };
    if (request.kind === 'embed-images') onBatch(this, request.images!);
    send.call(this, message, moved as ArrayBuffer[]);
  });
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('an embedder of images', () => {
  let embedder: Embedder;
  beforeAll(async () => {
    embedder = await createEmbedder({ model: tinyClip, workers: 2, batchTokens: 64 });
  });
  afterAll(() => embedder.close());

  it('says what it is: without a text tower it takes queries of images only', () => {
    expect(embedder.info).toMatchObject({ name: 'tiny-clip', dimension: 32, kinds: ['image'], queryKinds: ['image'] });
    expect(embedder.info.fingerprint).toMatch(/^[0-9a-f]{64}$/);
  });

  it("gives PyTorch's vectors of the same weights, whatever the format, size and colours of the image", async () => {
    const { vectors, faults, tokenCounts, truncated } = await embedder.embed(inputs);
    expect(faults.size).toBe(0);
    for (const [i, name] of names.entries())
      expect(largestDifference(rowOf(vectors, i, 32), reference.images[name]!), name).toBeLessThan(1e-4);
    expect(new Set(tokenCounts)).toEqual(new Set([17])); // 4 × 4 patches and the class token
    expect(Math.max(...truncated)).toBe(0);
  });

  it('gives the same vectors in any batching, order and company', async () => {
    const many = Array.from({ length: 150 }, (_, i) => inputs[i % inputs.length]!);
    const seen: number[] = [];
    spyOnBatches((_worker, images) => seen.push(images.length));
    const [all, backwards, ...alone] = await Promise.all([
      embedder.embed(many),
      embedder.embed(inputs.toReversed()),
      ...inputs.map((input) => embedder.embed([input])),
    ]);
    const near = (left: Float32Array, right: Float32Array) =>
      left.every((value, i) => Math.abs(value - right[i]!) < 1e-5);
    many.forEach((_, i) => {
      const image = i % inputs.length;
      const row = rowOf(all.vectors, i, 32);
      expect(near(row, rowOf(backwards.vectors, inputs.length - 1 - image, 32))).toBe(true);
      expect(near(row, alone[image]!.vectors)).toBe(true);
    });
    // 64 tokens are 3 images of 17; an image that comes more than once in a call is embedded once.
    expect(Math.max(...seen)).toBeLessThanOrEqual(3);
    expect(seen.reduce((sum, count) => sum + count, 0)).toBe(3 * inputs.length);
  });

  it('faults what is no image and goes on with the others of its batch', async () => {
    const [whole] = pictures;
    const wide = pictures[names.indexOf('wide.jpg')]!;
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect/></svg>');
    const image = (bytes: Uint8Array): EmbedInput => ({ image: { mime: 'image/jpeg', bytes } });
    const { vectors, faults } = await embedder.embed([
      image(whole!),
      image(wide.subarray(0, wide.length / 2)),
      image(svg),
      image(new Uint8Array()),
      { text: 'a red chair' },
      {},
      inputs[1]!,
    ]);
    expect(Object.fromEntries(Array.from(faults, ([i, { code }]) => [i, code]))).toEqual({
      1: 'IMAGE_NOT_READABLE',
      2: 'IMAGE_FORMAT_UNKNOWN',
      3: 'IMAGE_FORMAT_UNKNOWN',
      4: 'INPUT_NOT_READABLE',
      5: 'INPUT_NOT_READABLE',
    });
    for (const fault of faults.values()) expect(fault).toMatchObject({ poison: true, retriable: false });
    expect(faults.get(1)!.message).toMatch(/cut short or damaged/);
    expect(faults.get(4)!.message).toMatch(/text tower.*text_model\.onnx/);
    expect(largestDifference(rowOf(vectors, 0, 32), reference.images[names[0]!]!)).toBeLessThan(1e-4);
    expect(rowOf(vectors, 1, 32).every((value) => value === 0)).toBe(true);
    expect(largestDifference(rowOf(vectors, 6, 32), reference.images[names[1]!]!)).toBeLessThan(1e-4);
  });

  it('embeds a record with both by its image alone', async () => {
    const both = await embedder.embed([{ ...inputs[0], text: 'a red chair' }]);
    expect(largestDifference(both.vectors, reference.images[names[0]!]!)).toBeLessThan(1e-4);
  });

  it('is of use for a stream', async () => {
    let vectors = 0;
    for await (const outcome of embedStream(embedder, inputs)) if ('vector' in outcome) vectors++;
    expect(vectors).toBe(inputs.length);
  });

  it('leaves the main thread free while it decodes and runs the model', async () => {
    const large = await Promise.all([1, 2, 3, 4].map((seed) => noise(1200, 900, seed)));
    const [ofThread, ofAll] = [process.threadCpuUsage(), process.cpuUsage()];
    await embedder.embed(large.map((bytes) => ({ image: { mime: 'image/png', bytes } })));
    // Of processor time: a main thread that waits for a core is not at work.
    expect(total(process.threadCpuUsage(ofThread))).toBeLessThan(total(process.cpuUsage(ofAll)) / 2);
  });

  it('rejects an aborted call with the reason and goes on with the others', async () => {
    const controller = new AbortController();
    const other = embedder.embed(inputs);
    const aborted = embedder.embed(inputs, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    expect((await other).faults.size).toBe(0);
  });
});

describe('an embedder of images with a text tower', () => {
  let embedder: Embedder;
  let folder: Awaited<ReturnType<typeof clipFolder>>;
  beforeAll(async () => {
    folder = await clipFolder({ text: true });
    embedder = await createEmbedder({ model: folder.path, workers: 1 });
  });
  afterAll(async () => {
    await embedder.close();
    await folder[Symbol.asyncDispose]();
  });

  it("embeds queries of text with PyTorch's vectors", async () => {
    expect(embedder.info).toMatchObject({ kinds: ['image'], queryKinds: ['image', 'text'], maxTokens: 16 });
    const { queries } = reference;
    const { vectors, tokenCounts, truncated, faults } = await embedder.embed(queries, { as: 'query' });
    expect(faults.size).toBe(0);
    for (const [i, { text, vector }] of queries.entries())
      expect(largestDifference(rowOf(vectors, i, 32), vector), text).toBeLessThan(1e-4);
    expect([...tokenCounts]).toEqual(queries.map(({ tokens }) => tokens));
    expect(truncated.at(-1)).toBe(1);
  });

  it('answers images and texts of one call in their order', async () => {
    const [query] = reference.queries;
    const { vectors, faults } = await embedder.embed([{ text: query!.text }, inputs[0]!, {}, { text: query!.text }]);
    expect([...faults.keys()]).toEqual([2]);
    expect(largestDifference(rowOf(vectors, 0, 32), query!.vector)).toBeLessThan(1e-4);
    expect(largestDifference(rowOf(vectors, 1, 32), reference.images[names[0]!]!)).toBeLessThan(1e-4);
    expect(rowOf(vectors, 3, 32)).toEqual(rowOf(vectors, 0, 32));
  });

  it('has the fingerprint that it has without: records stay what they are when a text tower is added', async () => {
    const without = await createEmbedder({ model: tinyClip, workers: 1 });
    await without.close();
    expect(embedder.info.fingerprint).toBe(without.info.fingerprint);
  });

  it('moves its fingerprint with the weights and the preprocessing', async () => {
    const fingerprintWith = async (change: (path: string) => Promise<void>) => {
      await using other = await clipFolder();
      await change(other.path);
      const changed = await createEmbedder({ model: other.path, workers: 1 });
      await changed.close();
      return changed.info.fingerprint;
    };
    const preprocessed = await fingerprintWith(async (path) => {
      const file = join(path, 'preprocessor_config.json');
      await writeFile(file, (await readFile(file, 'utf8')).replace('"resample": 3', '"resample": 2'));
    });
    const reweighed = await fingerprintWith(async (path) => {
      const file = join(path, 'onnx', 'vision_model.onnx');
      const graph = await readFile(file);
      graph[graph.length >> 1]! ^= 1; // within a weight
      await writeFile(file, graph);
    });
    expect(new Set([embedder.info.fingerprint, preprocessed, reweighed]).size).toBe(3);
  });
});

describe('an embedder of images that fails', () => {
  it('refuses at load a model that gives every image the same vector', async () => {
    await using folder = await clipFolder();
    const file = join(folder.path, 'preprocessor_config.json');
    // No pixel counts any more: all that is left is the mean.
    await writeFile(
      file,
      (await readFile(file, 'utf8')).replace(/"rescale_factor": [\d.]+/, '"rescale_factor": 1e-12'),
    );
    await expect(createEmbedder({ model: folder.path, workers: 1 })).rejects.toMatchObject({
      code: 'MODEL_CANARY_FAILED',
      message: expect.stringMatching(/two different images the same vector/) as string,
    });
  });

  it('says what is wrong with a folder', async () => {
    await using folder = await clipFolder();
    const file = join(folder.path, 'preprocessor_config.json');
    await writeFile(
      file,
      '{"size": {"shortest_edge": 64}, "resample": 0, "image_mean": [0, 0, 0], "image_std": [1, 1, 1]}',
    );
    await expect(createEmbedder({ model: folder.path })).rejects.toThrow(/preprocessor_config\.json.*resample/s);
    await rm(file);
    await expect(createEmbedder({ model: folder.path })).rejects.toThrow(/has no preprocessor_config\.json/);
  });

  it('refuses a model of another dimension than its config says', async () => {
    await using folder = await clipFolder();
    await writeFile(join(folder.path, 'config.json'), '{"projection_dim": 48, "image_size": 64, "patch_size": 16}');
    await expect(createEmbedder({ model: folder.path, workers: 1 })).rejects.toThrow(/dimension 48/);
  });

  it('refuses a graph that is no vision tower', async () => {
    await using folder = await clipFolder({ text: true });
    const graph = await readFile(join(folder.path, 'onnx', 'text_model.onnx'));
    await writeFile(join(folder.path, 'onnx', 'vision_model.onnx'), graph);
    await expect(createEmbedder({ model: folder.path, workers: 1 })).rejects.toMatchObject({
      code: 'MODEL_LOAD_FAILED',
      message: expect.stringMatching(/takes pixel_values alone, this one takes input_ids/) as string,
    });
  });

  it('rejects what is in flight, and what comes after, when a worker dies', async () => {
    const embedder = await createEmbedder({ model: tinyClip, workers: 2 });
    spyOnBatches((worker) => void worker.terminate());
    await expect(embedder.embed(inputs)).rejects.toMatchObject({ code: 'MODEL_FAILED', poison: false });
    await expect(embedder.embed(inputs)).rejects.toMatchObject({ code: 'MODEL_FAILED' });
    await embedder.close();
  });

  it('ends on close, also in mid-run', async () => {
    const embedder = await createEmbedder({ model: tinyClip, workers: 1 });
    const running = expect(embedder.embed(inputs)).rejects.toMatchObject({ code: 'EMBEDDER_CLOSED' });
    await embedder.close();
    await running;
    await expect(embedder.embed(inputs)).rejects.toMatchObject({ code: 'EMBEDDER_CLOSED' });
  });
});

function total({ user, system }: NodeJS.CpuUsage): number {
  return user + system;
}

/** A PNG of many colours. */
async function noise(width: number, height: number, seed: number): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp');
  const data = new Uint8Array(width * height * 3);
  let state = seed;
  for (let i = 0; i < data.length; i++) data[i] = (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24;
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 1 })
    .toBuffer();
}
