import { isAscii } from 'node:buffer';
import type { Encoding } from './encoding.ts';

/**
 * Turns a file's bytes into UTF-8 for the parser, chunk by chunk, so that the original bytes of any part can be
 * had back: what is no text in the original becomes bytes that are not UTF-8 either.
 */
export interface Transcoder {
  /** UTF-8 of a chunk. A character cut by the chunk's end is kept for the next; `last` flushes it. */
  push(chunk: Uint8Array, last: boolean): Uint8Array;
  /** The original bytes of a part of what `push` gave; always a copy. */
  original(utf8: Uint8Array): Uint8Array;
}

export function createTranscoder(encoding: Encoding): Transcoder {
  if (encoding === 'utf-8') return { push: (chunk) => chunk, original: (utf8) => new Uint8Array(utf8) };
  if (encoding === 'windows-1252') return { push: windows1252ToUtf8, original: utf8ToWindows1252 };
  return new Utf16Transcoder(encoding === 'utf-16be');
}

/** Code points of the bytes 0x80 to 0x9f. https://encoding.spec.whatwg.org/index-windows-1252.txt */
const WINDOWS_1252_HIGH = [
  0x20ac, 0x81, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8d, 0x017d,
  0x8f, 0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d,
  0x017e, 0x0178,
];
const CODE_POINT_OF_BYTE = Uint16Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x80 && byte < 0xa0 ? (WINDOWS_1252_HIGH[byte - 0x80] ?? byte) : byte,
);
const BYTE_OF_CODE_POINT = new Map(Array.from(CODE_POINT_OF_BYTE, (codePoint, byte) => [codePoint, byte]));

function windows1252ToUtf8(chunk: Uint8Array): Uint8Array {
  if (isAscii(chunk)) return chunk;
  const out = new Uint8Array(chunk.length * 3);
  let to = 0;
  for (const byte of chunk) {
    if (byte < 0x80) {
      out[to++] = byte;
      continue;
    }
    const codePoint = CODE_POINT_OF_BYTE[byte] ?? byte;
    if (codePoint < 0x800) out[to++] = 0xc0 | (codePoint >> 6);
    else {
      out[to++] = 0xe0 | (codePoint >> 12);
      out[to++] = 0x80 | ((codePoint >> 6) & 0x3f);
    }
    out[to++] = 0x80 | (codePoint & 0x3f);
  }
  return out.subarray(0, to);
}

function utf8ToWindows1252(utf8: Uint8Array): Uint8Array {
  const text = Buffer.from(utf8.buffer, utf8.byteOffset, utf8.length).toString('utf8');
  return Uint8Array.from(text, (character) => BYTE_OF_CODE_POINT.get(character.charCodeAt(0)) ?? 0x3f);
}

/** Begins the three bytes that stand for a file's odd last byte. */
const ODD_BYTE_MARK = 0xff;

/**
 * Lone surrogates become three-byte sequences (WTF-8) and an odd last byte becomes 0xff and two more, neither of them
 * valid UTF-8.
 */
class Utf16Transcoder implements Transcoder {
  readonly #bigEndian: boolean;
  #kept: Buffer = Buffer.alloc(0);

  constructor(bigEndian: boolean) {
    this.#bigEndian = bigEndian;
  }

  push(chunk: Uint8Array, last: boolean): Uint8Array {
    const bytes = Buffer.concat([this.#kept, chunk]);
    let end = bytes.length & ~1;
    if (!last && end > 0 && this.#isHighSurrogate(bytes, end - 2)) end -= 2;
    this.#kept = bytes.subarray(end);
    const text = this.#decode(bytes.subarray(0, end));
    const utf8 = text.isWellFormed() ? Buffer.from(text, 'utf8') : encodeWtf8(text);
    const odd = last ? this.#kept[0] : undefined;
    if (odd === undefined) return utf8;
    return Buffer.concat([utf8, Uint8Array.of(ODD_BYTE_MARK, 0x80 | (odd >> 4), 0x80 | (odd & 15))]);
  }

  original(utf8: Uint8Array): Uint8Array {
    const odd = utf8.indexOf(ODD_BYTE_MARK);
    const wide = Buffer.from(decodeWtf8(odd < 0 ? utf8 : utf8.subarray(0, odd)), 'utf16le');
    if (this.#bigEndian) wide.swap16();
    if (odd < 0) return wide;
    return Buffer.concat([wide, Uint8Array.of((((utf8[odd + 1] ?? 0) & 15) << 4) | ((utf8[odd + 2] ?? 0) & 15))]);
  }

  #isHighSurrogate(bytes: Uint8Array, at: number): boolean {
    return ((bytes[this.#bigEndian ? at : at + 1] ?? 0) & 0xfc) === 0xd8;
  }

  #decode(bytes: Buffer): string {
    return (this.#bigEndian ? Buffer.from(bytes).swap16() : bytes).toString('utf16le');
  }
}

function encodeWtf8(text: string): Buffer {
  const parts = text.split(/([\ud800-\udfff])/u);
  return Buffer.concat(parts.map((part, index) => (index % 2 === 0 ? Buffer.from(part) : surrogateBytes(part))));
}

function surrogateBytes(surrogate: string): Buffer {
  const unit = surrogate.charCodeAt(0);
  return Buffer.of(0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f));
}

function decodeWtf8(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let text = '';
  let from = 0;
  for (let at = buffer.indexOf(0xed); at >= 0; at = buffer.indexOf(0xed, at + 1)) {
    const second = buffer[at + 1] ?? 0;
    if (second < 0xa0) continue;
    text += buffer.toString('utf8', from, at);
    text += String.fromCharCode(0xd000 | ((second & 0x3f) << 6) | ((buffer[at + 2] ?? 0) & 0x3f));
    from = at + 3;
  }
  return text + buffer.toString('utf8', from);
}
