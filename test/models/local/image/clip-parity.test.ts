import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ImagePreprocessor } from '../../../../src/models/local/image/preprocess.ts';
import { pythonEnvironment, runPython } from '../../../python/environment.ts';

const python = await pythonEnvironment();

/** The libraries inside sharp and Pillow that bring an AVIF's colours back are two; all others agree to the bit. */
const OF_ANOTHER_DECODER = new Set(['avif.avif']);

describe.skipIf('missing' in python)("the pixels of Python's CLIPImageProcessor", () => {
  it.each([224, 64])('are ours, at %i pixels', { timeout: 240_000 }, async (side) => {
    const { python: interpreter } = python as { readonly python: string };
    const folder = await mkdtemp(join(tmpdir(), 'embedstream-clip-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    await runPython(interpreter, 'clip_pixels.py', ['make', folder]);
    const names = (await runPython(interpreter, 'clip_pixels.py', ['pixels', folder, String(side)])) as string[];
    expect(names.length).toBeGreaterThan(30);
    const preprocessor = new ImagePreprocessor({
      resize: { shortest: side },
      crop: { width: side, height: side },
      filter: 'bicubic',
      rescale: 1 / 255,
      mean: [0.48145466, 0.4578275, 0.40821073],
      std: [0.26862954, 0.26130258, 0.27577711],
    });
    const ours = new Float32Array(preprocessor.length);
    for (const name of names) {
      await preprocessor.write(await readFile(join(folder, name)), ours);
      const bytes = await readFile(join(folder, `${name}.f32`));
      const theirs = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
      expect(theirs.length).toBe(ours.length);
      const differences = ours.map((value, i) => Math.abs(value - theirs[i]!));
      // Normalised pixels: a step of 1 in 255 is 0.0142 to 0.015.
      const mean = differences.reduce((sum, value) => sum + value, 0) / differences.length;
      const most = differences.reduce((largest, value) => Math.max(largest, value));
      if (OF_ANOTHER_DECODER.has(name)) expect(mean, `${name}: mean difference`).toBeLessThan(0.01);
      else expect(most, `${name}: largest difference`).toBeLessThan(1e-6);
    }
  });
});
