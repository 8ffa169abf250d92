/**
 * Zig-zag variable-length integers, 7 bits a byte, the lowest first, as Kafka's record batches have them. By number
 * arithmetic: exact for every safe integer, without a BigInt or an object.
 */

/** Bytes of a 32-bit integer. */
export function varintSize(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  if (zigzag < 0x80) return 1;
  if (zigzag < 0x4000) return 2;
  if (zigzag < 0x20_0000) return 3;
  return zigzag < 0x1000_0000 ? 4 : 5;
}

/** Writes a 32-bit integer at `at` and answers where the next byte goes. */
export function writeVarint(target: Uint8Array, at: number, value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  let end = at;
  while (rest > 0x7f) {
    target[end++] = rest | 0x80;
    rest >>>= 7;
  }
  target[end++] = rest;
  return end;
}

/** Bytes of a safe integer. */
export function varlongSize(value: number): number {
  let size = 1;
  for (let rest = Math.floor(magnitude(value) / 64); rest > 0; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** Writes a safe integer at `at` and answers where the next byte goes. */
export function writeVarlong(target: Uint8Array, at: number, value: number): number {
  // The first byte holds the sign and six bits: the doubled number, which may not be exact, is never made.
  const number = magnitude(value);
  let end = at;
  let byte = (number % 64) * 2 + (value < 0 ? 1 : 0);
  for (let rest = Math.floor(number / 64); rest > 0; rest = Math.floor(rest / 128)) {
    target[end++] = byte | 0x80;
    byte = rest % 128;
  }
  target[end++] = byte;
  return end;
}

/** What zig-zag doubles: n for n ≥ 0, -n - 1 below. */
function magnitude(value: number): number {
  return value < 0 ? -(value + 1) : value;
}
