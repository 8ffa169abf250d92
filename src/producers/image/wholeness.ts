/** Whether an image file's bytes reach its end, by the file's structure alone: no pixel is decoded. Pure. */
import type { ImageFormat } from '../../models/local/image/image-format.ts';

/** `cut`: the end is missing, or the structure is damaged. `unknown`: only decoding can tell. */
export type Wholeness = 'whole' | 'cut' | 'unknown';

export function wholenessOf(bytes: Buffer, format: ImageFormat): Wholeness {
  if (format === 'tiff') return 'unknown';
  return REACHES_END[format](bytes) ? 'whole' : 'cut';
}

const REACHES_END: Readonly<Record<Exclude<ImageFormat, 'tiff'>, (bytes: Buffer) => boolean>> = {
  jpeg: jpegEnds,
  png: pngEnds,
  gif: gifEnds,
  webp: (bytes) => bytes.length >= 12 && bytes.readUInt32LE(4) + 8 <= bytes.length,
  avif: boxesEnd,
};

const EOI = 0xd9;
const SOS = 0xda;

/** Segments up to the end of the image; a thumbnail within one has an end of its own. ITU-T T.81, B.1. */
function jpegEnds(bytes: Buffer): boolean {
  let at = 2;
  while (at + 1 < bytes.length) {
    if (bytes[at] !== 0xff) return false;
    const marker = bytes[at + 1] ?? 0;
    if (marker === EOI) return true;
    // Fill bytes, restarts and the marker that stands alone.
    if (marker === 0xff) at++;
    else if (marker === 0x01 || isRestart(marker)) at += 2;
    else {
      if (at + 4 > bytes.length) return false;
      at += 2 + bytes.readUInt16BE(at + 2);
      if (marker === SOS) at = afterScan(bytes, at);
    }
  }
  return false;
}

/** Where the next marker is that is no part of the compressed data; the end of the bytes where there is none. */
function afterScan(bytes: Buffer, from: number): number {
  let at = bytes.indexOf(0xff, from);
  while (at >= 0 && at + 1 < bytes.length) {
    const next = bytes[at + 1] ?? 0;
    if (next !== 0 && !isRestart(next)) return at;
    at = bytes.indexOf(0xff, at + 2);
  }
  return bytes.length;
}

function isRestart(marker: number): boolean {
  return marker >= 0xd0 && marker <= 0xd7;
}

/** Chunks up to IEND. https://www.w3.org/TR/png-3/#5Chunk-layout */
function pngEnds(bytes: Buffer): boolean {
  let at = 8;
  while (at + 12 <= bytes.length) {
    const next = at + 12 + bytes.readUInt32BE(at);
    if (bytes.toString('latin1', at + 4, at + 8) === 'IEND') return next <= bytes.length;
    at = next;
  }
  return false;
}

/** Blocks up to the trailer. https://www.w3.org/Graphics/GIF/spec-gif89a.txt */
function gifEnds(bytes: Buffer): boolean {
  let at = 13 + colourTableBytes(bytes[10]);
  while (at < bytes.length) {
    const block = bytes[at];
    if (block === 0x3b) return true;
    if (block === 0x21) at = afterSubBlocks(bytes, at + 2);
    else if (block === 0x2c) at = afterSubBlocks(bytes, at + 11 + colourTableBytes(bytes[at + 9]));
    else return false;
  }
  return false;
}

function colourTableBytes(flags = 0): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1);
}

function afterSubBlocks(bytes: Buffer, from: number): number {
  let at = from;
  for (let size = bytes[at]; size !== undefined && size > 0; size = bytes[at]) at += 1 + size;
  return at + 1;
}

/**
 * Boxes of the outermost level, one of which holds the pixels. ISO/IEC 14496-12, 4.2. A box that goes on to the end of
 * the file, whatever that is, is left to the decoder.
 */
function boxesEnd(bytes: Buffer): boolean {
  let at = 0;
  let hasData = false;
  while (at + 8 <= bytes.length) {
    hasData ||= bytes.toString('latin1', at + 4, at + 8) === 'mdat';
    const size = bytes.readUInt32BE(at);
    if (size === 1 && at + 16 <= bytes.length) at += Number(bytes.readBigUInt64BE(at + 8));
    else if (size < 8) return false;
    else at += size;
  }
  return hasData && at === bytes.length;
}
