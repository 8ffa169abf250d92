import { createRequire } from 'node:module';
import { isDeepStrictEqual } from 'node:util';
import type * as Avsc from 'avsc';
import { messageOf } from '../errors.ts';

/** By Avro's canonical form: documentation, defaults and the like change no byte of a value. Both are parsed JSON. */
export function isSameOnTheWire(one: unknown, other: unknown): boolean {
  if (one === other || isDeepStrictEqual(one, other)) return true;
  try {
    const { Type } = loadAvsc();
    const parse = (schema: unknown): Avsc.Type => Type.forSchema(structuredClone(schema) as Avsc.Schema);
    return parse(one).equals(parse(other));
  } catch {
    return false; // avsc can't read it: making a resolver says so.
  }
}

/**
 * Reads Avro bytes of the schema `writer` as of the schema `reader`, in avsc's form (unions wrapped, longs beyond 2^53
 * as bigint). Throws avsc's error where the one can't be read as the other.
 */
export function resolverBetween(writer: unknown, reader: unknown): (payload: Uint8Array) => unknown {
  const avro = loadAvsc();
  const long = avro.types.LongType.__with({
    fromBuffer: (bytes: Buffer) => narrow(bytes.readBigInt64LE()),
    toBuffer: (value: number | bigint) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(BigInt(value));
      return bytes;
    },
    fromJSON: (value: number) => value,
    toJSON: (value: number | bigint) => Number(value),
    isValid: (value: unknown) => typeof value === 'bigint' || Number.isSafeInteger(value),
    compare: (a: number | bigint, b: number | bigint) => (a < b ? -1 : a > b ? 1 : 0),
  });
  const parse = (schema: unknown): Avsc.Type =>
    avro.Type.forSchema(structuredClone(schema) as Avsc.Schema, { registry: { long }, wrapUnions: 'always' });
  const readerType = parse(reader);
  const resolver = readerType.createResolver(parse(writer));
  return (payload): unknown =>
    readerType.fromBuffer(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength), resolver);
}

/** Why values of `writer` can't be read as `reader`, in avsc's words; undefined where they can. */
export function whyUnreadable(writer: unknown, reader: unknown): string | undefined {
  try {
    resolverBetween(writer, reader);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

// Loaded when the first schema that is not ours of today is met, which most runs never see.
function loadAvsc(): typeof Avsc {
  return createRequire(import.meta.url)('avsc') as typeof Avsc;
}

function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
