import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync, crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { decodeImage, ImageFault, MAX_PIXELS, readHeader } from '../../../../src/models/local/image/decode-image.ts';
import { imageFormat } from '../../../../src/models/local/image/image-format.ts';
import { clipImages } from '../../model-folders.ts';

const names = readdirSync(clipImages);
const bytesOf = (name: string) => readFileSync(join(clipImages, name));

async function decoded(bytes: Uint8Array) {
  return decodeImage(bytes, await readHeader(bytes));
}

/** What becomes of the bytes: pixels, or the code of their fault; anything else that is thrown fails the test. */
async function outcome(bytes: Uint8Array): Promise<string> {
  try {
    const { width, height, pixels } = await decoded(bytes);
    expect(pixels.length).toBe(width * height * 3);
    return 'decoded';
  } catch (error) {
    if (error instanceof ImageFault) return error.code;
    throw error;
  }
}

function chunk(type: string, data: Uint8Array): Buffer {
  const named = Buffer.concat([Buffer.from(type), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}

/** `colour`: 0 grey, 2 red-green-blue. */
function png(width: number, height: number, bits: number, colour: number, rows: Uint8Array): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([bits, colour], 8);
  const parts = [chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...parts]);
}

describe('decodeImage', () => {
  it.each(names)('%s: every cut at a sixteenth is a fault, and nothing hangs or breaks', async (name) => {
    const whole = bytesOf(name);
    expect(await outcome(whole)).toBe('decoded');
    for (let part = 0; part < 16; part++) {
      const cut = whole.subarray(0, Math.floor((whole.length * part) / 16));
      expect(await outcome(cut), `${name}, ${part} sixteenths`).toMatch(/^IMAGE_/);
    }
  });

  it.each(names)('%s: flipped bits are a fault or another image', async (name) => {
    const whole = bytesOf(name);
    for (let flip = 0; flip < 32; flip++) {
      const bytes = new Uint8Array(whole);
      const at = Math.floor((whole.length * (flip + 0.5)) / 32);
      bytes[at]! ^= 1 << (flip % 8);
      expect(await outcome(bytes)).toMatch(/^(decoded|IMAGE_)/);
    }
  });

  it('refuses a decompression bomb by its header', async () => {
    const bomb = png(60_000, 60_000, 8, 0, new Uint8Array(1000));
    const before = process.cpuUsage();
    await expect(decoded(bomb)).rejects.toMatchObject({
      code: 'IMAGE_TOO_LARGE',
      message: expect.stringContaining('60000 × 60000 pixels') as string,
    });
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(5000);
    expect(MAX_PIXELS).toBeLessThan(60_000 ** 2);
  });

  it('faults a small file that claims many pixels and has none', async () => {
    expect(await outcome(png(8000, 7000, 8, 2, new Uint8Array(1000)))).toBe('IMAGE_NOT_READABLE');
  });

  it('keeps the upper 8 bits of 16', async () => {
    const values = [0x0000, 0x12ff, 0x8000, 0xfeff];
    const rows = Buffer.alloc(1 + 2 * values.length);
    values.forEach((value, i) => rows.writeUInt16BE(value, 1 + 2 * i));
    const { pixels } = await decoded(png(values.length, 1, 16, 0, rows));
    expect([...pixels]).toEqual(values.flatMap((value) => [value >> 8, value >> 8, value >> 8]));
  });

  it('turns an image as its EXIF orientation says', async () => {
    const turned = bytesOf('turned.jpg'); // 160 × 90, orientation 6
    expect(await readHeader(turned)).toMatchObject({ width: 90, height: 160 });
    expect(await decoded(turned)).toMatchObject({ width: 90, height: 160 });
  });
});

describe('imageFormat', () => {
  it.each([
    ['exact.png', 'png'],
    ['wide.jpg', 'jpeg'],
    ['palette.gif', 'gif'],
    ['lossy.webp', 'webp'],
  ])('knows %s by its bytes', (name, format) => {
    expect(imageFormat(bytesOf(name))).toBe(format);
  });

  it.each([
    ['II*\0', 'tiff'],
    ['MM\0*', 'tiff'],
    ['\0\0\0\x1cftypavif', 'avif'],
    ['\0\0\0\x1cftypmif1\0\0\0\0mif1avif', 'avif'],
    ['\0\0\0\x1cftypheic\0\0\0\0mif1heic', undefined],
    ['<svg xmlns="http://www.w3.org/2000/svg"/>', undefined],
    ['%PDF-1.7', undefined],
    ['RIFF....WAVE', undefined],
    ['', undefined],
  ])('%j is %s', (head, format) => {
    expect(imageFormat(Buffer.from(head, 'latin1'))).toBe(format);
  });
});
