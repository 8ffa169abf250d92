import type { Embedding, LedgerEntry, ShardDescriptor, SourceRecord } from '../record/types.ts';

/**
 * Values as they are on the log: Confluent wire format (0, schema id as 4 bytes big-endian, Avro binary).
 * Decoders accept every version of a schema that the registry knows and answer in the newest.
 * Errors: CODEC_NOT_FRAMED, CODEC_UNKNOWN_SCHEMA, CODEC_CORRUPT (all `poison`).
 */
export interface Codec {
  encodeSourceRecord(record: SourceRecord): Uint8Array;
  decodeSourceRecord(value: Uint8Array): SourceRecord;
  /** The record without building its metadata: for the hot path. */
  viewSourceRecord(value: Uint8Array): SourceRecordView;
  encodeEmbedding(embedding: Embedding): Uint8Array;
  /** From a view, the metadata copied as bytes. */
  encodeEmbeddingFrom(view: SourceRecordView, embedding: Omit<Embedding, 'recordId' | 'text' | 'metadata'>): Uint8Array;
  decodeEmbedding(value: Uint8Array): Embedding;
  encodeLedgerEntry(entry: LedgerEntry): Uint8Array;
  decodeLedgerEntry(value: Uint8Array): LedgerEntry;
  encodeShardDescriptor(descriptor: ShardDescriptor): Uint8Array;
  decodeShardDescriptor(value: Uint8Array): ShardDescriptor;
}

/** Byte ranges point into `bytes`. Hashes are 32-byte views. */
export interface SourceRecordView {
  readonly id: string;
  readonly source: string;
  readonly text?: string;
  readonly textHash?: Uint8Array;
  readonly imageHash?: Uint8Array;
  readonly image?: SourceRecord['image'];
  /** The Avro bytes of the union [null, string] of `text`. */
  readonly textRaw: Uint8Array;
  /** The Avro bytes of the metadata map. */
  readonly metadataRaw: Uint8Array;
}
