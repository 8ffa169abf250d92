/** IEEE 754 binary16, rounded to nearest, ties to even; beyond 65,504 becomes infinity, as numpy does. */

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

/** `floatBits`: the bits of float32 numbers. Writes their float16 bits to `target` from `to` on. */
export function encodeFloat16(floatBits: Uint32Array, target: Uint16Array, to: number): void {
  for (let i = 0; i < floatBits.length; i++) target[to + i] = float16Bits(floatBits[i] ?? 0);
}

function float16Bits(x: number): number {
  const sign = (x >>> 16) & 0x8000;
  const magnitude = x & 0x7fff_ffff;
  // From 2^-14 up to where rounding gives infinity: drop 13 bits and move the exponent's bias from 127 to 15.
  if (magnitude >= 0x3880_0000 && magnitude < 0x4780_0000) {
    return sign | ((magnitude - 0x3800_0000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
  }
  if (magnitude > 0x7f80_0000) return sign | 0x7e00;
  if (magnitude >= 0x4780_0000) return sign | 0x7c00;
  if (magnitude < 0x3300_0000) return sign;
  // Subnormal: the mantissa with its leading one, shifted to units of 2^-24.
  const shift = 126 - (magnitude >>> 23);
  const mantissa = (magnitude & 0x7f_ffff) | 0x80_0000;
  const half = 1 << (shift - 1);
  const rest = mantissa & ((1 << shift) - 1);
  const value = mantissa >>> shift;
  return sign | (rest > half || (rest === half && (value & 1) === 1) ? value + 1 : value);
}

/** float16 bits as float32 numbers. */
export function decodeFloat16(source: Uint16Array, target: Float32Array): void {
  for (let i = 0; i < source.length; i++) target[i] = float32Of(source[i] ?? 0);
}

function float32Of(x: number): number {
  const sign = (x & 0x8000) << 16;
  const exponent = (x >>> 10) & 0x1f;
  const mantissa = x & 0x3ff;
  if (exponent === 0) return (sign === 0 ? 1 : -1) * mantissa * 2 ** -24;
  const wide = exponent === 0x1f ? 0xff : exponent + 112;
  bits[0] = sign | (wide << 23) | (mantissa << 13);
  return float[0] ?? 0;
}
