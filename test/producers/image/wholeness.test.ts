import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { imageFormat } from '../../../src/models/local/image/image-format.ts';
import { wholenessOf } from '../../../src/producers/image/wholeness.ts';
import { clipImages } from '../../models/model-folders.ts';

const pixels = { create: { width: 40, height: 30, channels: 4, background: '#8844cc80' } } as const;
const thumbnail = await sharp(pixels).jpeg().toBuffer();
const made: readonly (readonly [string, Buffer])[] = [
  ...readdirSync(clipImages).map((name) => [name, readFileSync(join(clipImages, name))] as const),
  ['made.avif', await sharp(pixels).avif().toBuffer()],
  ['progressive.jpg', await sharp(join(clipImages, 'wide.jpg')).jpeg({ progressive: true }).toBuffer()],
  ['animated.gif', await animated()],
  ['extended.webp', await sharp(pixels).webp({ lossless: true }).toBuffer()],
  // A thumbnail within a comment, whose end is not the image's.
  ['thumbnail.jpg', Buffer.concat([thumbnail.subarray(0, 2), comment(thumbnail), thumbnail.subarray(2)])],
];

function comment(bytes: Buffer): Buffer {
  const head = Buffer.from([0xff, 0xfe, 0, 0]);
  head.writeUInt16BE(bytes.length + 2, 2);
  return Buffer.concat([head, bytes]);
}

async function animated(): Promise<Buffer> {
  const frames = await Promise.all(
    ['red', 'lime'].map((background) =>
      sharp({ create: { width: 9, height: 9, channels: 3, background } })
        .png()
        .toBuffer(),
    ),
  );
  return sharp(frames, { join: { animated: true } })
    .gif()
    .toBuffer();
}

describe.each(made)('%s', (_, bytes) => {
  const format = imageFormat(bytes)!;

  it('is whole, also with something behind it', () => {
    expect(wholenessOf(bytes, format)).toBe('whole');
    if (format !== 'avif') expect(wholenessOf(Buffer.concat([bytes, Buffer.from('behind')]), format)).toBe('whole');
  });

  it('is cut wherever it is cut', () => {
    const step = Math.max(1, Math.floor(bytes.length / 97));
    for (let length = 16; length < bytes.length; length += step)
      expect(wholenessOf(bytes.subarray(0, length), format), `${length} of ${bytes.length}`).toBe('cut');
    expect(wholenessOf(bytes.subarray(0, -1), format)).toBe('cut');
  });

  it('with flipped bits is judged without an error', () => {
    for (let at = 0; at < bytes.length; at += 3) {
      const flipped = Buffer.from(bytes);
      flipped[at]! ^= 1 << (at % 8);
      expect(['whole', 'cut']).toContain(wholenessOf(flipped, format));
    }
  });
});

it('TIFF can only be told by decoding it', async () => {
  expect(wholenessOf(await sharp(pixels).tiff().toBuffer(), 'tiff')).toBe('unknown');
});
