import type { Codec } from '../codec/port.ts';
import { sha256 } from '../record/identity.ts';
import type { ContentHash, SourceRecord } from '../record/types.ts';
import type { SourceItem } from './port.ts';

export const ZERO_FINGERPRINT_BYTES = new Uint8Array(32);
const FRAME_BYTES = 5;

export interface EncodedItem {
  readonly value: Uint8Array;
  /** SHA-256 over everything the record says but when it was made: what a source's ledger compares. */
  readonly identity: Uint8Array;
}

export function encodeItem(codec: Codec, item: SourceItem, source: string, createdAt: number): EncodedItem {
  const { id, text, image, metadata, page, chunk } = item;
  const record: SourceRecord = {
    id,
    source,
    ...(text !== undefined && { text, textHash: sha256(text).toString('hex') as ContentHash }),
    ...(image && { image, imageHash: sha256(image.bytes ?? image.uri ?? '').toString('hex') as ContentHash }),
    metadata,
    ...(page !== undefined && { page }),
    ...(chunk !== undefined && { chunk }),
    createdAt,
  };
  const value = codec.encodeSourceRecord(record);
  // createdAt is the schema's last field: what comes before it is the record's content.
  const identity = sha256(value.subarray(FRAME_BYTES, value.length - varintBytes(createdAt)));
  return { value, identity };
}

/** Bytes of a non-negative Avro long. */
function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value * 2; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}
