import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFloat16, encodeFloat16 } from '../../../src/sinks/npy/float16.ts';
import { NpyEncoder } from '../../../src/sinks/npy/npy-encoder.ts';
import { decodeNpyHeader, encodeNpyHeader } from '../../../src/sinks/npy/npy-header.ts';
import { sha256OfFile } from '../../../src/sinks/publish.ts';
import { readNpy, readNpyMatrix } from '../../../src/sinks/readers/read-npy.ts';
import { collect, embedding, shardRows, temporaryFolder, vectorOf } from '../fixtures.ts';

function half(value: number): number {
  const out = new Uint16Array(1);
  encodeFloat16(new Uint32Array(Float32Array.of(value).buffer), out, 0);
  return out[0]!;
}

describe('float16', () => {
  it('decodes and encodes each of the 65,536 numbers back to itself', () => {
    const all = Uint16Array.from({ length: 65_536 }, (_, i) => i);
    const floats = new Float32Array(65_536);
    decodeFloat16(all, floats);
    const again = new Uint16Array(65_536);
    encodeFloat16(new Uint32Array(floats.buffer), again, 0);
    const isNaN16 = (bits: number): boolean => (bits & 0x7c00) === 0x7c00 && (bits & 0x3ff) !== 0;
    for (const bits of all) if (!isNaN16(bits)) expect(again[bits]).toBe(bits);
    expect(floats[0x7e00]).toBeNaN();
    expect(isNaN16(half(NaN))).toBe(true);
  });

  it('rounds to the nearest, ties to even', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, min: -65_504, max: 65_504 }), (value) => {
        const bits = half(value);
        const around = new Float32Array(3);
        const steps = [bits, bits === 0x8000 ? bits : Math.max(0, bits - 1), bits + 1];
        decodeFloat16(Uint16Array.from(steps), around);
        const [mine = 0, below = 0, above = 0] = [...around].map((candidate) => Math.abs(candidate - value));
        expect(mine).toBeLessThanOrEqual(below);
        expect(mine).toBeLessThanOrEqual(above);
        if (mine === above && bits % 2 === 1 && mine > 0) expect.fail(`a tie went to the odd neighbour of ${value}`);
      }),
      { numRuns: 2000 },
    );
    expect([half(65_519), half(65_520), half(-1e9)]).toEqual([0x7bff, 0x7c00, 0xfc00]);
    expect([half(2 ** -25), half(2 ** -25 * 1.01), half(2 ** -24 * 1.5)]).toEqual([0, 1, 2]);
  });
});

describe('the npy header', () => {
  it('makes the data begin at a multiple of 64 and reads back', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat(100_000), fc.constantFrom('<f4', '<f2'), (rows, dimension, descr) => {
        const header = encodeNpyHeader(descr, rows, dimension);
        expect(header.length % 64).toBe(0);
        expect(decodeNpyHeader(header, 'x')).toEqual({ descr, shape: [rows, dimension], dataOffset: header.length });
      }),
    );
  });

  it.each([
    [Buffer.from('PK'), 'no .npy file'],
    [encodeNpyHeader('<f4', 1, 2).subarray(0, 60), 'header is cut'],
    [
      Buffer.from(
        Buffer.from(encodeNpyHeader('<f4', 1, 2))
          .toString('latin1')
          .replace('<f4', '>f8'),
        'latin1',
      ),
      '>f8',
    ],
  ])('is refused when it is something else (%#)', (bytes, what) => {
    expect(() => decodeNpyHeader(bytes, 'some.npy')).toThrow(what);
  });
});

describe.each(['fp32', 'fp16'] as const)('an npy shard in %s', (dtype) => {
  it.each([
    ['full', 700],
    ['short of what was expected', 1000],
  ])('holds the vectors and, row for row, the rest; a shard that is %s', async (_, expectedRows) => {
    const folder = temporaryFolder();
    const stagingFolder = join(folder, 'staging');
    mkdirSync(stagingFolder);
    const encoder = new NpyEncoder({ stagingFolder, dimension: 48, model: 'tiny', expectedRows, dtype });
    const all = Array.from({ length: 700 }, (_, i) => embedding(i, 48));
    encoder.write(shardRows(all.slice(0, 300)));
    encoder.write(shardRows(all.slice(300), 300));
    const { files } = encoder.finish('shard');
    expect(files.map(({ name }) => name)).toEqual(['shard.metadata.parquet', 'shard.npy']);
    for (const file of files) {
      expect(await sha256OfFile(file.stagedPath)).toBe(file.sha256);
      expect(readFileSync(file.stagedPath).length).toBe(file.bytes);
      renameSync(file.stagedPath, join(folder, file.name));
    }
    const matrix = await readNpyMatrix(join(folder, 'shard.npy'));
    expect(matrix).toMatchObject({ shape: [700, 48], dtype });
    expect(matrix.data.subarray(48 * 699)).toEqual(vectorOf(699, 48));
    const rows = await collect(readNpy(folder));
    expect(rows.length).toBe(700);
    expect(rows[512]).toEqual({
      id: 'object-512',
      ...{ contentHash: all[512]!.contentHash, fingerprint: all[512]!.fingerprint, text: all[512]!.text },
      ...{ tokenCount: 14, truncated: false, createdAt: 1_700_000_000_512, offset: 512, metadata: all[512]!.metadata },
      vector: vectorOf(512, 48),
    });
  });

  it('leaves nothing behind when it is aborted', () => {
    const stagingFolder = temporaryFolder();
    const encoder = new NpyEncoder({ stagingFolder, dimension: 8, model: 'tiny', dtype });
    encoder.write(shardRows([embedding(1, 8)]));
    encoder.abort();
    expect(readdirSync(stagingFolder)).toEqual([]);
  });
});

it('a matrix that is shorter than its header says is an error', async () => {
  const path = join(temporaryFolder(), 'short.npy');
  writeFileSync(path, Buffer.concat([encodeNpyHeader('<f4', 2, 3), Buffer.alloc(20)]));
  await expect(readNpyMatrix(path)).rejects.toMatchObject({ code: 'FILE_SINK_NPY_UNREADABLE' });
});
