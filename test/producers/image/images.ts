/** Images and folders of images for tests. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { onTestFinished } from 'vitest';
import type { OpenSourceOptions } from '../../../src/producers/open-source.ts';
import { openSource } from '../../../src/producers/open-source.ts';
import type { SourceBatch, SourceFault, SourceItem } from '../../../src/producers/port.ts';
import { clipImages } from '../../models/model-folders.ts';

export function fixture(name: string): Buffer {
  return readFileSync(join(clipImages, name));
}

/** A JPEG of one colour, of a few hundred bytes. */
export function plainJpeg(width: number, height: number, background = '#c04020'): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background } })
    .jpeg()
    .toBuffer();
}

/** A JPEG of noise, which takes about a byte a pixel. */
export function noisyJpeg(width: number, height: number): Promise<Buffer> {
  const pixels = new Uint8Array(width * height * 3);
  let state = 1;
  for (let at = 0; at < pixels.length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    pixels[at] = state >>> 24;
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 95 })
    .toBuffer();
}

/** A folder with these files, removed when the test has ended. */
export function folderOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'embedstream-images-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

export interface Seen {
  readonly items: readonly SourceItem[];
  readonly faults: readonly SourceFault[];
  readonly batches: readonly SourceBatch[];
}

export async function readSource(given: string, options: OpenSourceOptions = {}): Promise<Seen> {
  const source = await openSource(given, options);
  const batches: SourceBatch[] = [];
  try {
    for await (const batch of source.read()) batches.push(batch);
  } finally {
    await source.close?.();
  }
  const all = batches.flatMap(({ items }) => items);
  return {
    items: all.filter((item) => item.kind === 'item'),
    faults: all.filter((item) => item.kind === 'fault'),
    batches,
  };
}
