import { isAscii, isUtf8 } from 'node:buffer';

export const ENCODINGS = ['utf-8', 'utf-16le', 'utf-16be', 'windows-1252'] as const;
export type Encoding = (typeof ENCODINGS)[number];

export interface DetectedEncoding {
  readonly encoding: Encoding;
  /** Length of the byte order mark. */
  readonly bomBytes: number;
  /** How it was found, for the user. */
  readonly evidence: string;
}

const ALIASES: Readonly<Record<string, Encoding>> = {
  utf8: 'utf-8',
  ascii: 'utf-8',
  utf16: 'utf-16le',
  utf16le: 'utf-16le',
  utf16be: 'utf-16be',
  windows1252: 'windows-1252',
  cp1252: 'windows-1252',
  latin1: 'windows-1252',
  iso88591: 'windows-1252',
  ansi: 'windows-1252',
};

export function encodingNamed(name: string): Encoding | undefined {
  return ALIASES[name.toLowerCase().replace(/[^a-z0-9]/g, '')];
}

/** The byte order mark, if there is one. https://encoding.spec.whatwg.org/#bom-sniff */
export function byteOrderMark(bytes: Uint8Array): DetectedEncoding | undefined {
  const [a, b, c] = bytes;
  const evidence = 'byte order mark';
  if (a === 0xef && b === 0xbb && c === 0xbf) return { encoding: 'utf-8', bomBytes: 3, evidence };
  if (a === 0xff && b === 0xfe) return { encoding: 'utf-16le', bomBytes: 2, evidence };
  if (a === 0xfe && b === 0xff) return { encoding: 'utf-16be', bomBytes: 2, evidence };
  return undefined;
}

/**
 * Encoding by the file's first bytes: a byte order mark, the NUL pattern of UTF-16, else UTF-8 when the bytes are
 * valid or mostly valid UTF-8, else Windows-1252. `cut` says that the sample may end within a character.
 */
export function detectEncoding(sample: Uint8Array, cut: boolean): DetectedEncoding {
  const marked = byteOrderMark(sample);
  if (marked !== undefined) return marked;
  const wide = utf16ByNuls(sample);
  if (wide !== undefined) return { encoding: wide, bomBytes: 0, evidence: 'NUL pattern' };
  const whole = cut ? sample.subarray(0, wholeCharacters(sample, sample.length)) : sample;
  if (isAscii(whole)) return { encoding: 'utf-8', bomBytes: 0, evidence: 'all ASCII' };
  if (isUtf8(whole)) return { encoding: 'utf-8', bomBytes: 0, evidence: 'valid UTF-8' };
  const { valid, invalid } = countSequences(whole);
  // Windows-1252 text hardly ever has a valid sequence by chance, so that a UTF-8 file with some damaged rows
  // stays UTF-8 and its damage becomes dead letters instead of mojibake in all other rows.
  if (valid > invalid) {
    return { encoding: 'utf-8', bomBytes: 0, evidence: `UTF-8 with ${invalid} invalid bytes in the sample` };
  }
  return { encoding: 'windows-1252', bomBytes: 0, evidence: 'bytes that are not UTF-8' };
}

/** End of the last whole UTF-8 character at or before `end`; invalid bytes count as characters. */
export function wholeCharacters(bytes: Uint8Array, end: number): number {
  for (let back = 1; back <= 3 && back <= end; back++) {
    const byte = bytes[end - back] ?? 0;
    if (byte < 0x80) return end;
    if (byte >= 0xc0) return sequenceLength(byte) > back ? end - back : end;
  }
  return end;
}

function sequenceLength(lead: number): number {
  if (lead >= 0xf0 && lead <= 0xf4) return 4;
  if (lead >= 0xe0 && lead <= 0xef) return 3;
  if (lead >= 0xc2 && lead <= 0xdf) return 2;
  return 1;
}

function countSequences(bytes: Uint8Array): { valid: number; invalid: number } {
  let valid = 0;
  let invalid = 0;
  for (let at = 0; at < bytes.length;) {
    const byte = bytes[at] ?? 0;
    if (byte < 0x80) {
      at++;
      continue;
    }
    const length = sequenceLength(byte);
    if (length > 1 && isUtf8(bytes.subarray(at, at + length))) {
      valid++;
      at += length;
    } else {
      invalid++;
      at++;
    }
  }
  return { valid, invalid };
}

/** Offset of the first byte that can't be part of UTF-8, or -1. */
export function firstInvalidByte(bytes: Uint8Array): number {
  for (let at = 0; at < bytes.length;) {
    const length = (bytes[at] ?? 0) < 0x80 ? 1 : sequenceLength(bytes[at] ?? 0);
    if (!isUtf8(bytes.subarray(at, at + length))) return at;
    at += length;
  }
  return -1;
}

/** In UTF-16 the delimiters, digits and blanks of a table have a NUL as their other byte. */
function utf16ByNuls(sample: Uint8Array): Encoding | undefined {
  let even = 0;
  let odd = 0;
  const end = sample.length & ~1;
  for (let at = 0; at < end; at += 2) {
    if (sample[at] === 0) even++;
    if (sample[at + 1] === 0) odd++;
  }
  const pairs = end / 2;
  if (odd > pairs / 8 && odd > even * 8) return 'utf-16le';
  if (even > pairs / 8 && even > odd * 8) return 'utf-16be';
  return undefined;
}
