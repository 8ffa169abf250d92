import type { Embedding, LedgerEntry, LedgerOutcome, ShardDescriptor, SourceRecord } from '../record/types.ts';

/**
 * Values as they are on the log: Confluent wire format (0, schema id as 4 bytes big-endian, Avro binary).
 * Decoders accept every version of a schema that the registry knows and answer in the newest.
 * Errors: CODEC_NOT_FRAMED, CODEC_UNKNOWN_SCHEMA, CODEC_CORRUPT (all `poison`).
 *
 * An encoded value is a view into a slab shared with others: copy it to keep it for long.
 */
export interface Codec {
  encodeSourceRecord(record: SourceRecord): Uint8Array;
  decodeSourceRecord(value: Uint8Array): SourceRecord;
  /** The record without building its metadata: for the hot path. */
  viewSourceRecord(value: Uint8Array): SourceRecordView;
  /** Only the hashes of the record's parts: for reconcile. */
  viewPartHashes(value: Uint8Array): PartHashesView;
  encodeEmbedding(embedding: Embedding): Uint8Array;
  /** The same from a view: text and metadata are copied as bytes. */
  encodeEmbeddingOf(record: SourceRecordView, parts: EmbeddingParts): Uint8Array;
  decodeEmbedding(value: Uint8Array): Embedding;
  /**
   * An embedding of any known version in the newest one's encoding; the same bytes when it is that already. For an
   * encoder, not for a log: where no schema registry has given an id yet, the result has none.
   */
  upgradeEmbedding(value: Uint8Array): Uint8Array;
  encodeLedgerEntry(entry: LedgerEntry): Uint8Array;
  encodeLedgerParts(entry: LedgerParts): Uint8Array;
  decodeLedgerEntry(value: Uint8Array): LedgerEntry;
  /** The entry with its hashes as 32-byte views. */
  viewLedgerEntry(value: Uint8Array): LedgerParts;
  encodeShardDescriptor(descriptor: ShardDescriptor): Uint8Array;
  decodeShardDescriptor(value: Uint8Array): ShardDescriptor;
}

/** Hashes are 32-byte views, `…Raw` the Avro bytes of a field: copied to another value as they are. */
export interface SourceRecordView extends PartHashesView {
  readonly id: string;
  readonly text: string | undefined;
  readonly image: SourceRecord['image'] | undefined;
  readonly textRaw: Uint8Array;
  readonly metadataRaw: Uint8Array;
}

export interface PartHashesView {
  readonly textHash: Uint8Array | undefined;
  readonly imageHash: Uint8Array | undefined;
}

export interface EmbeddingParts {
  readonly model: string;
  readonly fingerprint: Uint8Array;
  readonly contentHash: Uint8Array;
  readonly tokenCount: number;
  readonly truncated: boolean;
  readonly createdAt: number;
  /** (D,) */
  readonly vector: Float32Array;
}

export interface LedgerParts {
  readonly contentHash: Uint8Array;
  readonly fingerprint: Uint8Array;
  readonly outcome: LedgerOutcome;
  readonly offset: number;
}
