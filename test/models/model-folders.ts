/** Model folders for tests, put together from the fixtures. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const fixtures = fileURLToPath(new URL('../fixtures/', import.meta.url));

export const tinyBert = join(fixtures, 'tiny-bert');
export const tinyClip = join(fixtures, 'tiny-clip');
export const tinyClipText = join(fixtures, 'tiny-clip-text');
export const externalData = join(fixtures, 'external-data');
export const tiny384 = join(fixtures, 'tiny-384');
export const tinyJinaClip = join(fixtures, 'tiny-jina-clip');
export const tinySiglip = join(fixtures, 'tiny-siglip');
export const families = join(fixtures, 'families');
export const clipImages = join(fixtures, 'clip-images');
export const clipVectors = join(fixtures, 'clip-vectors.json');
export const parityFolder = join(fixtures, 'parity');

/** A copy of tiny-bert, with another graph from fixtures/models where one is named; removed when disposed. */
export async function modelFolder(graph?: string): Promise<AsyncDisposable & { readonly path: string }> {
  const parent = await mkdtemp(join(tmpdir(), 'embedstream-model-'));
  const path = join(parent, graph ?? 'tiny-bert');
  await cp(tinyBert, path, { recursive: true });
  if (graph !== undefined) await cp(join(fixtures, 'models', `${graph}.onnx`), join(path, 'onnx', 'model.onnx'));
  return { path, [Symbol.asyncDispose]: () => rm(parent, { recursive: true, force: true }) };
}

/** A copy of tiny-clip under its name, with its text tower where that is asked for; removed when disposed. */
export async function clipFolder({ text = false } = {}): Promise<AsyncDisposable & { readonly path: string }> {
  const parent = await mkdtemp(join(tmpdir(), 'embedstream-model-'));
  const path = join(parent, 'tiny-clip');
  await cp(tinyClip, path, { recursive: true });
  if (text) await cp(join(fixtures, 'tiny-clip-text'), path, { recursive: true });
  return { path, [Symbol.asyncDispose]: () => rm(parent, { recursive: true, force: true }) };
}
