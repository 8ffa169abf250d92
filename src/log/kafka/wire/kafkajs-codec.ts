import { createRequire } from 'node:module';
import type { Encoder } from '../protocol-request.ts';

/** What we use of kafkajs' encoder and decoder; `internals.ts` sees to it that this is the version we know. */

const kafkajs = createRequire(import.meta.url);

export interface WireDecoder {
  readInt16(): number;
  readInt32(): number;
  readInt64(): bigint;
  readString(): string;
  /** A length and the bytes, as a view; null is a length of -1. */
  readBytes(): Buffer<ArrayBuffer> | null;
  readArray<Item>(read: (decoder: WireDecoder) => Item): Item[];
}

let codec:
  | {
      readonly Encoder: new (capacity?: number) => Encoder;
      readonly Decoder: new (bytes: Buffer) => WireDecoder;
    }
  | undefined;

function load(): NonNullable<typeof codec> {
  return (codec ??= {
    Encoder: kafkajs('kafkajs/src/protocol/encoder') as NonNullable<typeof codec>['Encoder'],
    Decoder: kafkajs('kafkajs/src/protocol/decoder') as NonNullable<typeof codec>['Decoder'],
  });
}

/** @param capacity bytes that it holds without growing, which copies all of them; left out: a few hundred */
export function newEncoder(capacity?: number): Encoder {
  const { Encoder } = load();
  return new Encoder(capacity);
}

export function newDecoder(bytes: Buffer): WireDecoder {
  const { Decoder } = load();
  return new Decoder(bytes);
}
