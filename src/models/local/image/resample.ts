/**
 * Pillow's resampling of 8-bit images, bit for bit (src/libImaging/Resample.c): weights in fixed point, an axis at a time,
 * rounded to 8 bits between. Other libraries place, widen or round a filter differently, which is 0.003 (reducing to a
 * half) to 0.13 (enlarging) of a normalised pixel on average: ADR 9. Pure.
 */
import type { ImageSize, ResampleFilter } from '../../catalog/image-preprocessing.ts';
import type { ResizePlan } from './resize-plan.ts';

const CHANNELS = 3;
/** Fraction bits of a weight: what 32 bits leave beside a pixel's 8 and 2 for a sum that swings over. */
const PRECISION_BITS = 22;
const HALF = 1 << (PRECISION_BITS - 1);

interface Filter {
  /** Half of its width, in pixels of the smaller image. */
  readonly support: number;
  readonly weightAt: (distance: number) => number;
}

const FILTERS: Readonly<Record<ResampleFilter, Filter>> = {
  box: { support: 0.5, weightAt: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weightAt: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: { support: 1, weightAt: hamming },
  bicubic: { support: 2, weightAt: bicubic },
  lanczos: { support: 3, weightAt: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/**
 * The planned part of the resized image.
 *
 * @param pixels (height, width, 3) of `from`
 * @returns (crop height, crop width, 3)
 */
export function resample(
  pixels: Uint8Array,
  from: ImageSize,
  { size, crop }: ResizePlan,
  filter: ResampleFilter,
): Uint8Array {
  const columns = weigh(FILTERS[filter], from.width, size.width, crop.left, crop.width);
  const rows = weigh(FILTERS[filter], from.height, size.height, crop.top, crop.height);
  // Pillow 13 begins with the rows of an image that loses more than twice as many of them as of columns.
  const lost = from.height - size.height;
  if (lost > 0 && lost > 2 * (from.width - size.width)) {
    const short = resampleRows(pixels.subarray(rows.start * from.width * CHANNELS), from.width * CHANNELS, rows);
    return resampleColumns(short, from.width, columns);
  }
  const read = pixels.subarray(rows.start * from.width * CHANNELS, rows.end * from.width * CHANNELS);
  return resampleRows(resampleColumns(read, from.width, columns), crop.width * CHANNELS, rows);
}

/** For each place of one axis of the result, the pixels that it is made of and their weights. */
interface Weights {
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** (places, taps) fixed point. */
  readonly values: Int32Array;
  readonly taps: number;
  /** All pixels of the axis that are read. */
  readonly start: number;
  readonly end: number;
}

function weigh(filter: Filter, from: number, to: number, offset: number, places: number): Weights {
  const scale = from / to;
  const widened = Math.max(1, scale);
  const support = filter.support * widened;
  const taps = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(places);
  const count = new Int32Array(places);
  const values = new Int32Array(places * taps);
  const weights = new Float64Array(taps);
  for (let place = 0; place < places; place++) {
    const centre = (offset + place + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const length = Math.min(from, Math.trunc(centre + support + 0.5)) - start;
    let sum = 0;
    for (let i = 0; i < length; i++) {
      const weight = filter.weightAt((i + start - centre + 0.5) * (1 / widened));
      weights[i] = weight;
      sum += weight;
    }
    for (let i = 0; i < length; i++) values[place * taps + i] = fixedPoint((weights[i] ?? 0) / (sum === 0 ? 1 : sum));
    first[place] = start;
    count[place] = length;
  }
  const last = places - 1;
  return { first, count, values, taps, start: first[0] ?? 0, end: (first[last] ?? 0) + (count[last] ?? 0) };
}

function fixedPoint(weight: number): number {
  return Math.trunc(weight * (1 << PRECISION_BITS) + (weight < 0 ? -0.5 : 0.5));
}

/** @param pixels (lines, width, 3) @returns (lines, places of `columns`, 3) */
function resampleColumns(pixels: Uint8Array, width: number, columns: Weights): Uint8Array {
  const { first, count, values, taps } = columns;
  const places = first.length;
  const result = new Uint8Array((pixels.length / width) * places);
  let to = 0;
  for (let line = 0; line < pixels.length; line += width * CHANNELS) {
    for (let place = 0; place < places; place++) {
      let at = line + (first[place] ?? 0) * CHANNELS;
      let weightAt = place * taps;
      const end = weightAt + (count[place] ?? 0);
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      for (; weightAt < end; weightAt++, at += CHANNELS) {
        const weight = values[weightAt] ?? 0;
        red = (red + Math.imul(pixels[at] ?? 0, weight)) | 0;
        green = (green + Math.imul(pixels[at + 1] ?? 0, weight)) | 0;
        blue = (blue + Math.imul(pixels[at + 2] ?? 0, weight)) | 0;
      }
      result[to] = clip(red);
      result[to + 1] = clip(green);
      result[to + 2] = clip(blue);
      to += CHANNELS;
    }
  }
  return result;
}

/** @param lines (rows from the first that `rows` reads on, length) @returns (places of `rows`, length) */
function resampleRows(lines: Uint8Array, length: number, rows: Weights): Uint8Array {
  const { first, count, values, taps } = rows;
  const places = first.length;
  const result = new Uint8Array(places * length);
  const sums = new Int32Array(length);
  for (let place = 0; place < places; place++) {
    sums.fill(HALF);
    const begin = ((first[place] ?? 0) - rows.start) * length;
    const weights = values.subarray(place * taps, place * taps + (count[place] ?? 0));
    let tap = 0;
    for (; tap + 3 < weights.length; tap += 4) addFourLines(sums, lines, begin + tap * length, weights, tap);
    for (; tap < weights.length; tap++) addLine(sums, lines, begin + tap * length, weights[tap] ?? 0);
    const to = place * length;
    for (let x = 0; x < length; x++) result[to + x] = clip(sums[x] ?? 0);
  }
  return result;
}

function addLine(sums: Int32Array, lines: Uint8Array, line: number, weight: number): void {
  for (let x = 0; x < sums.length; x++) sums[x] = (sums[x] ?? 0) + Math.imul(lines[line + x] ?? 0, weight);
}

/** Four at once: the sums are read and written a quarter as often. */
function addFourLines(sums: Int32Array, lines: Uint8Array, line: number, weights: Int32Array, tap: number): void {
  const { length } = sums;
  const [w0 = 0, w1 = 0, w2 = 0, w3 = 0] = weights.subarray(tap, tap + 4);
  const second = line + length;
  const third = second + length;
  const fourth = third + length;
  for (let x = 0; x < length; x++) {
    sums[x] =
      ((sums[x] ?? 0) +
        Math.imul(lines[line + x] ?? 0, w0) +
        Math.imul(lines[second + x] ?? 0, w1) +
        Math.imul(lines[third + x] ?? 0, w2) +
        Math.imul(lines[fourth + x] ?? 0, w3)) |
      0;
  }
}

function clip(sum: number): number {
  const value = sum >> PRECISION_BITS;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

function bicubic(distance: number): number {
  const x = Math.abs(distance);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

function hamming(distance: number): number {
  const x = Math.abs(distance);
  if (x === 0) return 1;
  return x >= 1 ? 0 : sinc(x) * (0.54 + 0.46 * Math.cos(x * Math.PI));
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}
