import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCodec } from '../../src/codec/create-codec.ts';
import { EmbeddingScanner } from '../../src/codec/embedding-scanner.ts';
import type { ContentHash, Embedding, Metadata, ModelFingerprint, RecordId } from '../../src/record/types.ts';

const codec = createCodec();
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const metadataValue = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((x) => !Number.isInteger(x)),
  fc.string({ unit: 'grapheme' }),
);
const embeddings: fc.Arbitrary<Embedding> = fc
  .record({
    recordId: fc.string({ unit: 'grapheme', minLength: 1 }).map((id) => id as RecordId),
    model: fc.string({ minLength: 1 }),
    fingerprint: hash.map((hex) => hex as ModelFingerprint),
    contentHash: hash.map((hex) => hex as ContentHash),
    tokenCount: fc.nat(),
    truncated: fc.boolean(),
    createdAt: fc.integer({ min: -(2 ** 45), max: 2 ** 45 }),
    text: fc.string({ unit: 'grapheme' }),
    metadata: fc
      .array(fc.tuple(fc.string(), metadataValue), { maxLength: 80 })
      .map((entries): Metadata => new Map(entries)),
    vector: fc.float32Array({ noNaN: true, maxLength: 70 }),
  })
  .map((parts) => ({ ...parts, dimension: parts.vector.length }));

function text(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.subarray(start, end)).toString();
}

function vectorOf(scanner: EmbeddingScanner): Float32Array {
  const vector = new Float32Array(scanner.dimension);
  scanner.copyVector(new Uint8Array(vector.buffer), 0);
  return vector;
}

/** A value whose blocks are written by hand: strings are below 64 bytes. */
function valueWith(metadata: readonly number[], vector: readonly number[], dimension: number): Uint8Array {
  const string = (value: string): number[] => [value.length * 2, ...Buffer.from(value)];
  const head = [0, 0, 0, 0, 2, ...string('id'), ...string('m'), ...new Uint8Array(32), dimension * 2];
  return Uint8Array.from([...head, ...new Uint8Array(32), 4, 1, 6, 0, ...metadata, ...vector]);
}

const floats = (...values: number[]): number[] => [...new Uint8Array(Float32Array.from(values).buffer)];
const sized = (count: number, bytes: number[]): number[] => [count * 2 - 1, bytes.length * 2, ...bytes];

describe('EmbeddingScanner', () => {
  it('finds every part of what the codec encodes, wherever the value lies', () => {
    const scanner = new EmbeddingScanner();
    fc.assert(
      fc.property(embeddings, fc.nat(9), (value, shift) => {
        const encoded = codec.encodeEmbedding(value);
        const bytes = new Uint8Array(encoded.length + shift + 3);
        bytes.set(encoded, shift);
        scanner.scan(bytes, shift, shift + encoded.length);
        expect(text(bytes, scanner.idStart, scanner.idEnd)).toBe(value.recordId);
        expect(text(bytes, scanner.textStart, scanner.textEnd)).toBe(value.text);
        const { fingerprintStart, contentHashStart } = scanner;
        expect(Buffer.from(bytes.subarray(fingerprintStart, fingerprintStart + 32)).toString('hex')).toBe(
          value.fingerprint,
        );
        expect(Buffer.from(bytes.subarray(contentHashStart, contentHashStart + 32)).toString('hex')).toBe(
          value.contentHash,
        );
        expect(scanner.tokenCount).toBe(value.tokenCount);
        expect(scanner.truncated === 1).toBe(value.truncated);
        expect(scanner.createdAtHigh * 2 ** 32 + (scanner.createdAtLow >>> 0)).toBe(value.createdAt);
        expect(vectorOf(scanner)).toEqual(value.vector);
        expect(scanner.metadataCount).toBe(value.metadata.size);
        for (const [i, [key, item]] of [...value.metadata].entries()) {
          expect(text(bytes, scanner.keyStarts[i]!, scanner.keyEnds[i]!)).toBe(key);
          if (typeof item === 'string') expect(text(bytes, scanner.valueStarts[i]!, scanner.valueEnds[i]!)).toBe(item);
          if (typeof item !== 'bigint') continue;
          scanner.readLongAt(scanner.valueStarts[i]!);
          expect((BigInt(scanner.high) << 32n) | BigInt(scanner.low >>> 0)).toBe(item);
        }
      }),
    );
  });

  it('takes several blocks and blocks that give their size, as the Avro specification allows', () => {
    const scanner = new EmbeddingScanner();
    const a = [2, 97, 0];
    const b = [2, 98, 4, 8];
    const metadata = [...sized(1, a), 2, ...b, 0];
    const bytes = valueWith(metadata, [4, ...floats(1, 2), ...sized(1, floats(3)), 0], 3);
    scanner.scan(bytes, 0, bytes.length);
    expect(scanner.metadataCount).toBe(2);
    expect(vectorOf(scanner)).toEqual(Float32Array.of(1, 2, 3));
    expect(codec.decodeEmbedding(bytes).vector).toEqual(Float32Array.of(1, 2, 3));
  });

  it('refuses every value that is cut, and one whose vector has another length than its dimension', () => {
    const scanner = new EmbeddingScanner();
    const whole = valueWith([2, 2, 97, 4, 8, 0], [4, ...floats(1, 2), 0], 2);
    scanner.scan(whole, 0, whole.length);
    for (let end = 0; end < whole.length; end++) {
      expect(() => {
        scanner.scan(whole, 0, end);
      }, `cut at ${end}`).toThrow(expect.objectContaining({ code: 'CODEC_CORRUPT', poison: true }));
    }
    const short = valueWith([0], [2, ...floats(1), 0], 2);
    expect(() => {
      scanner.scan(short, 0, short.length);
    }).toThrow('1 numbers in a vector of 2');
    const longer = Uint8Array.from([...whole, 0]);
    expect(() => {
      scanner.scan(longer, 0, longer.length);
    }).toThrow('left over');
  });
});
