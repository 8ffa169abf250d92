const C1 = 0x239b961b;
const C2 = 0xab0e9789 | 0;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93 | 0;

/**
 * MurmurHash3_x86_128 of bytes [start, end) of `data`, as four unsigned 32-bit numbers into `out`.
 * Source: https://github.com/aappleby/smhasher (public domain), by its published constants.
 */
export function murmur3x128(data: Uint8Array, start: number, end: number, seed: number, out: Uint32Array): void {
  let h1 = seed | 0;
  let h2 = h1;
  let h3 = h1;
  let h4 = h1;
  let at = start;
  for (; at + 16 <= end; at += 16) {
    h1 = Math.imul(rotl(h1 ^ lane(data, at, C1, 15, C2), 19) + h2, 5) + 0x561ccd1b;
    h2 = Math.imul(rotl(h2 ^ lane(data, at + 4, C2, 16, C3), 17) + h3, 5) + 0x0bcaa747;
    h3 = Math.imul(rotl(h3 ^ lane(data, at + 8, C3, 17, C4), 15) + h4, 5) + 0x96cd1c35;
    h4 = Math.imul(rotl(h4 ^ lane(data, at + 12, C4, 18, C1), 13) + h1, 5) + 0x32ac3b17;
  }
  // Bytes past the end count as zeros, and a lane of zeros changes nothing.
  h1 ^= mix(tail(data, at, end), C1, 15, C2);
  h2 ^= mix(tail(data, at + 4, end), C2, 16, C3);
  h3 ^= mix(tail(data, at + 8, end), C3, 17, C4);
  h4 ^= mix(tail(data, at + 12, end), C4, 18, C1);
  const length = end - start;
  h1 ^= length;
  h2 ^= length;
  h3 ^= length;
  h4 ^= length;
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = (h2 + h1) | 0;
  h3 = (h3 + h1) | 0;
  h4 = (h4 + h1) | 0;
  h1 = finish(h1);
  h2 = finish(h2);
  h3 = finish(h3);
  h4 = finish(h4);
  h1 = (h1 + h2 + h3 + h4) | 0;
  out[0] = h1;
  out[1] = h2 + h1;
  out[2] = h3 + h1;
  out[3] = h4 + h1;
}

function rotl(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}

function mix(k: number, a: number, bits: number, b: number): number {
  return Math.imul(rotl(Math.imul(k, a), bits), b);
}

function lane(data: Uint8Array, at: number, a: number, bits: number, b: number): number {
  const k = (data[at] ?? 0) | ((data[at + 1] ?? 0) << 8) | ((data[at + 2] ?? 0) << 16) | ((data[at + 3] ?? 0) << 24);
  return mix(k, a, bits, b);
}

function tail(data: Uint8Array, at: number, end: number): number {
  let k = 0;
  for (let i = Math.min(end, at + 4) - 1; i >= at; i--) k = (k << 8) | (data[i] ?? 0);
  return k;
}

function finish(x: number): number {
  let h = x;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
