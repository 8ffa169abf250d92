import { AnswerFault, type HostedAnswer, type RawVector } from './provider.ts';

/**
 * The vectors of an answer, (N, D) float32 in one row after the other, each of length 1 where `normalise`; several of
 * one input are averaged at length 1.
 *
 * @throws AnswerFault where there are not N, or one is not D finite numbers, or all zeros.
 */
export function readVectors(
  answer: HostedAnswer,
  count: number,
  { dimension, normalise }: { readonly dimension: number; readonly normalise: boolean },
): Float32Array {
  if (answer.vectors.length !== count)
    throw new AnswerFault(`it has ${answer.vectors.length} vectors for ${count} inputs`);
  const rows = new Float32Array(count * dimension);
  answer.vectors.forEach((parts, index) => {
    const row = rows.subarray(index * dimension, (index + 1) * dimension);
    const [only] = parts;
    if (only === undefined) throw new AnswerFault(`input ${index} has no vector`);
    if (parts.length === 1) row.set(numbersOf(only, dimension));
    else {
      for (const part of parts) {
        const vector = Float32Array.from(numbersOf(part, dimension));
        const length = lengthOf(vector);
        for (let i = 0; i < dimension; i++) row[i] = (row[i] ?? 0) + (vector[i] ?? 0) / length;
      }
    }
    const length = lengthOf(row);
    if (normalise || parts.length > 1) for (let i = 0; i < dimension; i++) row[i] = (row[i] ?? 0) / length;
  });
  return rows;
}

/** How many numbers a vector has. */
export function dimensionOf(raw: RawVector): number {
  return typeof raw === 'string' ? Math.floor(Buffer.byteLength(raw, 'base64') / 4) : raw.length;
}

function numbersOf(raw: RawVector, dimension: number): ArrayLike<number> {
  const found = dimensionOf(raw);
  if (found !== dimension) throw new AnswerFault(`a vector has ${found} numbers, and the model's have ${dimension}`);
  if (typeof raw !== 'string') {
    // A null would become 0 in a typed array.
    if (!raw.every((value): value is number => typeof value === 'number'))
      throw new AnswerFault('a vector holds something that is no number');
    return raw;
  }
  const bytes = Buffer.from(raw, 'base64');
  const numbers = new Float32Array(dimension);
  for (let i = 0; i < dimension; i++) numbers[i] = bytes.readFloatLE(i * 4);
  return numbers;
}

/** Finite exactly where every number is. */
function lengthOf(vector: Float32Array): number {
  let sum = 0;
  for (const value of vector) sum += value * value;
  const length = Math.sqrt(sum);
  if (!Number.isFinite(length)) throw new AnswerFault('a vector holds a number that is not finite');
  if (length === 0) throw new AnswerFault('a vector is all zeros');
  return length;
}
