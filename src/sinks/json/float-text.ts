/** 10^0 to 10^22: those that a double holds exactly. */
const POWERS_OF_TEN = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
/** So many digits tell every two float32 numbers apart; fewer than 6 never need a try of their own. */
const MAX_DIGITS = 9;
const MIN_DIGITS = 6;
/** Longest text: sign, point, nine digits, leading zeros or an exponent. */
export const MAX_FLOAT_BYTES = 24;

const ZERO = 0x30;
const POINT = 0x2e;
const MINUS = 0x2d;
const EXPONENT = 0x65;

/**
 * Writes a float32 number as JSON, in the fewest digits that read back to the same float32 (through a double, as every
 * reader of JSON does); answers with where the text ends. Not finite: `null`, which readers refuse.
 *
 * A candidate m / 10^k with m < 2^53 and k <= 22 is rounded once, as the parser of its text rounds it, so that the check
 * needs no text.
 */
export function writeFloat(value: number, target: Uint8Array, at: number): number {
  if (value === 0) return Object.is(value, -0) ? writeAscii('-0.0', target, at) : writeAscii('0', target, at);
  const size = Math.abs(value);
  const exponent = Math.floor(Math.log10(size));
  for (let digits = MIN_DIGITS; digits <= MAX_DIGITS; digits++) {
    const shift = digits - 1 - exponent;
    // NaN and infinity fail both.
    if (!(shift >= 0 && shift < POWERS_OF_TEN.length)) break;
    const power = POWERS_OF_TEN[shift] ?? 1;
    const mantissa = Math.round(size * power);
    if (Math.fround(mantissa / power) !== size) continue;
    if (value < 0) target[at++] = MINUS;
    return writeDecimal(mantissa, shift, target, at);
  }
  return writeAscii(rareText(value), target, at);
}

/** Very large, very small, or not finite. */
function rareText(value: number): string {
  if (!Number.isFinite(value)) return 'null';
  for (let digits = 1; digits < MAX_DIGITS; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return String(rounded);
  }
  return String(Number(value.toPrecision(MAX_DIGITS)));
}

/** mantissa * 10^-shift. */
function writeDecimal(mantissa: number, shift: number, target: Uint8Array, at: number): number {
  mantissa |= 0;
  while (mantissa % 10 === 0 && shift > 0) {
    mantissa = (mantissa / 10) | 0;
    shift--;
  }
  const digits = digitCount(mantissa);
  if (shift === 0) return writeDigits(mantissa, digits, target, at);
  if (shift < digits) {
    const power = POWERS_OF_TEN[shift] ?? 1;
    const whole = Math.floor(mantissa / power);
    at = writeDigits(whole, digits - shift, target, at);
    target[at++] = POINT;
    return writeDigits(mantissa - whole * power, shift, target, at);
  }
  // As JavaScript writes numbers: an exponent below 10^-6.
  if (shift - digits > 5) return writeScientific(mantissa, digits, shift, target, at);
  target[at++] = ZERO;
  target[at++] = POINT;
  return writeDigits(mantissa, shift, target, at);
}

function writeScientific(mantissa: number, digits: number, shift: number, target: Uint8Array, at: number): number {
  const power = POWERS_OF_TEN[digits - 1] ?? 1;
  const first = Math.floor(mantissa / power);
  target[at++] = ZERO + first;
  if (digits > 1) {
    target[at++] = POINT;
    at = writeDigits(mantissa - first * power, digits - 1, target, at);
  }
  target[at++] = EXPONENT;
  target[at++] = MINUS;
  const exponent = shift - digits + 1;
  return writeDigits(exponent, digitCount(exponent), target, at);
}

function digitCount(value: number): number {
  let digits = 1;
  while (value >= (POWERS_OF_TEN[digits] ?? Infinity)) digits++;
  return digits;
}

/** A value below 2^31, with leading zeros to `count` digits. */
function writeDigits(value: number, count: number, target: Uint8Array, at: number): number {
  for (let i = at + count - 1; i >= at; i--) {
    const rest = (value / 10) | 0;
    target[i] = ZERO + value - rest * 10;
    value = rest;
  }
  return at + count;
}

function writeAscii(text: string, target: Uint8Array, at: number): number {
  for (let i = 0; i < text.length; i++) target[at++] = text.charCodeAt(i);
  return at;
}
