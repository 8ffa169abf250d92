import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createEmbedder } from '../../../src/models/create-embedder.ts';
import { families } from '../model-folders.ts';
import { leastCosine, rowOf } from '../vectors.ts';

const run = promisify(execFile);
const DIMENSION = 32;
const ROOT = join(import.meta.dirname, '..', '..', '..');

/** A model of each family, with random weights (make-family-fixtures.py): what is peculiar about each. */
const FAMILIES = [
  ['bert', { pooling: 'cls', maxTokens: 48, normalise: true }],
  ['roberta', { pooling: 'mean', maxTokens: 64, normalise: false }],
  ['xlm-roberta', { pooling: 'mean', maxTokens: 40, normalise: true }],
  ['mpnet', { pooling: 'mean', maxTokens: 32, normalise: true }],
  ['modernbert', { pooling: 'mean', maxTokens: 80, normalise: true }],
  ['qwen3', { pooling: 'last', maxTokens: 56, normalise: true }],
] as const;

type Vectors = Readonly<Record<'document' | 'query', string>>;

/** Embeds texts.json as documents and as queries, and compares with what sentence-transformers made of them. */
async function expectParity(folder: string, name: string): Promise<void> {
  const texts = JSON.parse(await readFile(join(folder, 'texts.json'), 'utf8')) as string[];
  const reference = JSON.parse(await readFile(join(folder, name, 'vectors.json'), 'utf8')) as Vectors;
  const embedder = await createEmbedder({ model: join(folder, name), workers: 1 });
  try {
    for (const role of ['document', 'query'] as const) {
      const bytes = Buffer.from(reference[role], 'base64');
      const expected = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
      const { vectors, faults } = await embedder.embed(
        texts.map((text) => ({ text })),
        { as: role },
      );
      expect(faults.size).toBe(0);
      expect(expected.length).toBe(texts.length * DIMENSION);
      expect(leastCosine(vectors, expected, DIMENSION), `${name}, ${role}`).toBeGreaterThan(0.9999);
      texts.forEach((text, i) => {
        const length = Math.hypot(...rowOf(vectors, i, DIMENSION));
        expect(length, text).toBeCloseTo(Math.hypot(...rowOf(expected, i, DIMENSION)), 3);
      });
    }
  } finally {
    await embedder.close();
  }
}

describe('models of each family', () => {
  it.each(FAMILIES)('%s: pooling, prefix, normalisation and truncation are those of sentence-transformers', (name) =>
    expectParity(families, name),
  );

  it.each(FAMILIES)('%s: what its files say is read', async (name, facts) => {
    const { findModel } = await import('../../../src/models/catalog/find-model.ts');
    expect(await findModel(join(families, name))).toMatchObject({ name, dimension: DIMENSION, ...facts });
  });

  it('pools otherwise where that is asked for, of a graph that pools as well', async () => {
    const texts = [{ text: 'bronze vessel' }, { text: 'a dragon on silk' }];
    const of = async (settings: string): Promise<Float32Array> => {
      const embedder = await createEmbedder({ model: `${join(families, 'mpnet')}?${settings}`, workers: 1 });
      const { vectors } = await embedder.embed(texts);
      await embedder.close();
      return vectors;
    };
    const [inGraph, mean, last] = await Promise.all(['pooling=graph', 'pooling=mean', 'pooling=last'].map(of));
    expect(leastCosine(inGraph!, mean!, DIMENSION)).toBeGreaterThan(0.99999);
    expect(leastCosine(mean!, last!, DIMENSION)).toBeLessThan(0.99);
  });
});

/** A Python that has sentence-transformers: SENTENCE_TRANSFORMERS_PYTHON, the bench's, or the system's. */
async function pythonWithTransformers(): Promise<string | undefined> {
  const own = process.env['SENTENCE_TRANSFORMERS_PYTHON'];
  const bench = join(ROOT, '.cache', 'bench', 'venv', 'bin', 'python');
  const candidates = own === undefined ? [...(existsSync(bench) ? [bench] : []), 'python3'] : [own];
  const needed = ['sentence_transformers', 'torch', 'onnx'];
  const looks = `import importlib.util as u, sys; sys.exit(not all(u.find_spec(n) for n in ${JSON.stringify(needed)}))`;
  for (const python of candidates) {
    try {
      await run(python, ['-c', looks]);
      return python;
    } catch {
      continue; // the next one may have them
    }
  }
  return undefined;
}

const python = await pythonWithTransformers();
if (python === undefined) {
  const reason = 'no Python with sentence-transformers: vectors are compared with stored ones alone';
  if (process.env['SENTENCE_TRANSFORMERS_PYTHON'] !== undefined) throw new Error(reason);
  console.warn(`\n*** SKIPPED: ${reason} ***\n`);
}

describe.skipIf(python === undefined)('models that were made just now, compared live', () => {
  it('are embedded as sentence-transformers does it', { timeout: 180_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'embedstream-families-'));
    try {
      const script = join(ROOT, 'test', 'fixtures', 'make-family-fixtures.py');
      await run(python ?? '', ['-W', 'ignore', script, folder, 'bert', 'modernbert', 'qwen3'], { maxBuffer: 1 << 26 });
      for (const name of ['bert', 'modernbert', 'qwen3']) await expectParity(folder, name);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
