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

/** As JavaScript writes numbers: with an exponent below 10^-6. */
const MOST_LEADING_ZEROS = 5;
/** `00` to `99`. */
const PAIRS = Uint8Array.from({ length: 200 }, (_, i) => ZERO + ((i & 1) === 0 ? Math.floor(i / 20) : (i >> 1) % 10));
const EXPONENTS = 256;
const EXPONENT_BIAS = 127;
const MANTISSA_BITS = 23;
const MANTISSA_MASK = (1 << MANTISSA_BITS) - 1;
/** Of the least number of each binary exponent: its decimal exponent, and the least number of the next one. */
const TEN_EXPONENTS = Int32Array.from({ length: EXPONENTS }, (_, e) =>
  Math.floor(Math.log10(2 ** (e - EXPONENT_BIAS))),
);
const NEXT_TEN = Float64Array.from(TEN_EXPONENTS, (exponent) => Number(`1e${exponent + 1}`));
/** Half the distance between neighbours. */
const HALF_STEP = Float64Array.from({ length: EXPONENTS }, (_, e) => 2 ** (e - EXPONENT_BIAS - MANTISSA_BITS - 1));
/** Decimal exponents for which nine digits are m * 10^-shift with 0 <= shift <= 22, and six still have a shift. */
const LEAST_EXPONENT = MAX_DIGITS - 1 - (POWERS_OF_TEN.length - 1);
const MOST_EXPONENT = MIN_DIGITS - 1;
/** What the product below may be off: m < 2^30, rounded once to 53 bits. */
const DOUBT = 1e-5;

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

/**
 * Writes a float32 number as JSON, in the fewest digits that read back to the same float32 (through a double, as every
 * reader of JSON does); answers with where the text ends. Not finite: `null`, which readers refuse.
 *
 * A decimal reads back where it is nearer than half the way to the next float32. Both are compared at nine digits, in
 * doubles; what is too near to call takes the long way.
 */
export function writeFloat(value: number, target: Uint8Array, at: number): number {
  scratch[0] = value;
  const bits = scratchBits[0] ?? 0;
  const binary = (bits >>> MANTISSA_BITS) & (EXPONENTS - 1);
  const size = Math.abs(value);
  let exponent = TEN_EXPONENTS[binary] ?? 0;
  if (size >= (NEXT_TEN[binary] ?? 0)) exponent++;
  // A power of two has a nearer neighbour below it.
  if (exponent < LEAST_EXPONENT || exponent > MOST_EXPONENT || (bits & MANTISSA_MASK) === 0)
    return writeSlowly(value, target, at);
  const shift = MAX_DIGITS - 1 - exponent;
  const power = POWERS_OF_TEN[shift] ?? 1;
  const scaled = size * power;
  const reach = (HALF_STEP[binary] ?? 0) * power;
  let step = 1000;
  let digits = MIN_DIGITS;
  let mantissa = Math.floor(scaled / 1000 + 0.5);
  for (let off = Math.abs(mantissa * step - scaled); off > reach - DOUBT; off = Math.abs(mantissa * step - scaled)) {
    if (off < reach + DOUBT) return writeSlowly(value, target, at);
    step /= 10;
    digits++;
    mantissa = Math.floor(scaled / step + 0.5);
  }
  if (value < 0) target[at++] = MINUS;
  const places = shift - (MAX_DIGITS - digits);
  // Most numbers of vectors: below 1, with more digits than six, of which none can be left out.
  if (digits > MIN_DIGITS && places >= digits && places - digits <= MOST_LEADING_ZEROS) {
    target[at++] = ZERO;
    target[at++] = POINT;
    return writeDigits(mantissa, places, target, at);
  }
  return writeDecimal(mantissa, places, target, at);
}

/** By trying: a candidate m / 10^k with m < 2^53 and k <= 22 is rounded once, as the parser of its text rounds it. */
function writeSlowly(value: number, target: Uint8Array, at: number): number {
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
  if (shift - digits > MOST_LEADING_ZEROS) return writeScientific(mantissa, digits, shift, target, at);
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
  let to = at + count;
  for (; to >= at + 2; to -= 2) {
    const rest = (value / 100) | 0;
    const pair = (value - rest * 100) * 2;
    target[to - 1] = PAIRS[pair + 1] ?? ZERO;
    target[to - 2] = PAIRS[pair] ?? ZERO;
    value = rest;
  }
  if (to > at) target[at] = ZERO + value;
  return at + count;
}

function writeAscii(text: string, target: Uint8Array, at: number): number {
  for (let i = 0; i < text.length; i++) target[at++] = text.charCodeAt(i);
  return at;
}
