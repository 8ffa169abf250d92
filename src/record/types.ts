/** The types that travel on the log. Pure: no I/O, no encoding. The wire schemas are `schemas/*.avsc`. */

declare const brand: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

/** The id of a record: any non-empty text up to 1,024 bytes of UTF-8; the key of every topic. */
export type RecordId = Branded<string, 'RecordId'>;
/** SHA-256 (32 bytes, lower-case hex) over the parts of a record that a model reads; never over metadata. */
export type ContentHash = Branded<string, 'ContentHash'>;
/** SHA-256 (32 bytes, lower-case hex) over everything that decides what vectors a model yields. */
export type ModelFingerprint = Branded<string, 'ModelFingerprint'>;

/** Avro: union of null, boolean, long, double, string. Whole numbers travel as long, others as double. */
export type MetadataValue = null | boolean | number | bigint | string;
/** Keys keep their order on the wire. */
export type Metadata = ReadonlyMap<string, MetadataValue>;

export interface ImagePart {
  readonly mime: string;
  readonly bytes?: Uint8Array;
  readonly uri?: string;
}

/** What a source publishes: `<ns>.records`. At least one of text and image is there. */
export interface SourceRecord {
  readonly id: RecordId;
  /** Name of the source that published it, the `<source>` of its ledger topic. */
  readonly source: string;
  readonly text?: string;
  readonly image?: ImagePart;
  /** SHA-256 of the text's UTF-8 (hex); there when `text` is. */
  readonly textHash?: ContentHash;
  /** SHA-256 of the image's bytes (or of its uri when the bytes are elsewhere); there when `image` is. */
  readonly imageHash?: ContentHash;
  readonly metadata: Metadata;
  readonly page?: number;
  readonly chunk?: number;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** What a processor publishes: `<ns>.embeddings.<model>`. */
export interface Embedding {
  readonly recordId: RecordId;
  readonly model: string;
  readonly fingerprint: ModelFingerprint;
  readonly dimension: number;
  readonly contentHash: ContentHash;
  readonly tokenCount: number;
  readonly truncated: boolean;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly text?: string;
  readonly metadata: Metadata;
  /** (dimension,) float32. */
  readonly vector: Float32Array;
}

/** `embedded` and `dead-lettered` are a processor's, `published` and `dead-lettered` a source's. */
export type LedgerOutcome = 'embedded' | 'dead-lettered' | 'published';

/** `<ns>.ledger.<model>` and `<ns>.ledger.source.<source>`. */
export interface LedgerEntry {
  readonly contentHash: ContentHash;
  /** All zeros in the ledger of a source. */
  readonly fingerprint: ModelFingerprint;
  readonly outcome: LedgerOutcome;
  /** Offset of the record in the records topic (processor), or its line or row in the source. */
  readonly offset: number;
}

export interface ShardFile {
  /** Name within the shard folder. */
  readonly name: string;
  readonly bytes: number;
  /** SHA-256, lower-case hex. */
  readonly sha256: string;
  /** Of object storage: what is completed once the shard is committed. */
  readonly upload?: ShardUpload;
}

/** A multipart upload all of whose parts are there. */
export interface ShardUpload {
  readonly id: string;
  /** In order. */
  readonly parts: readonly { readonly etag: string; /** Lower-case hex. */ readonly sha256: string }[];
}

/** `<ns>.shards.<sink>`, key = shard name: what is in this topic is published, what is not does not exist. */
export interface ShardDescriptor {
  /** `<topic>+<partition>+<first offset>-<last offset>`, 20 digits each. */
  readonly name: string;
  readonly sink: string;
  readonly format: string;
  /** The shard folder: an absolute path, or `s3://bucket/prefix`. */
  readonly location: string;
  readonly topic: string;
  readonly partition: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** Embeddings in the shard. */
  readonly rows: number;
  /** Deletions listed in the shard's sidecar. */
  readonly deletions: number;
  readonly model: string;
  readonly dimension: number;
  /** Every model fingerprint that occurs in the shard. */
  readonly fingerprints: readonly ModelFingerprint[];
  /** In the order in which they are published. */
  readonly files: readonly ShardFile[];
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

export const ZERO_FINGERPRINT = '0'.repeat(64) as ModelFingerprint;
