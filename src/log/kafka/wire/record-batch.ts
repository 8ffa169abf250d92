import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { fatalError, messageOf, type PipelineError } from '../../../errors.ts';
import { BatchRecords } from './batch-records.ts';
import { crc32c } from './crc32c.ts';
import {
  ATTRIBUTES_AT,
  BASE_OFFSET_AT,
  BASE_TIMESTAMP_AT,
  BATCH_HEADER_BYTES,
  COMPRESSION_GZIP,
  COMPRESSION_MASK,
  COMPRESSION_NONE,
  COMPRESSION_ZSTD,
  CONTROL,
  COUNT_AT,
  CRC_AT,
  LAST_OFFSET_DELTA_AT,
  LENGTH_AT,
  LENGTH_OVERHEAD,
  LOG_APPEND_TIME,
  MAGIC,
  MAGIC_AT,
  MAX_TIMESTAMP_AT,
  PRODUCER_ID_AT,
  TRANSACTIONAL,
} from './record-batch-layout.ts';

/** Largest batch that is decompressed; one of the program's own is of at most 8 MiB and one record. */
const MAX_DECOMPRESSED_BYTES = 128 * 1024 * 1024;
/** Decompressors join their output from pieces; one piece alone is kept whole, however little is in it. */
const MIN_PIECE_BYTES = 4 * 1024;
const MAX_PIECE_BYTES = 256 * 1024;
/** Key of the record in a control batch: version (i16), then type (i16). */
const CONTROL_TYPE_AT = 2;
const CONTROL_KEY_BYTES = 4;
const CONTROL_ABORT = 0;

const OTHER_CODECS: Readonly<Record<number, string>> = { 2: 'snappy', 3: 'lz4' };

/** Where a set of batches was read, for messages. */
export interface Place {
  readonly topic: string;
  readonly partition: number;
}

/** One whole record batch in a buffer; nothing of it is read before it is asked for. */
export class RecordBatch {
  readonly #set: Buffer<ArrayBuffer>;
  readonly #start: number;
  readonly #place: Place;
  /** Where the next batch begins in the buffer. */
  readonly end: number;

  /** Of the batch at `start`, whose length and `BATCH_HEADER_BYTES` lie within the buffer (`batchLength`). */
  constructor(set: Buffer<ArrayBuffer>, start: number, end: number, place: Place) {
    this.#set = set;
    this.#start = start;
    this.end = end;
    this.#place = place;
  }

  get baseOffset(): number {
    return this.#int64(BASE_OFFSET_AT);
  }

  get lastOffset(): number {
    return this.baseOffset + this.#set.readInt32BE(this.#start + LAST_OFFSET_DELTA_AT);
  }

  get producerId(): bigint {
    return this.#set.readBigInt64BE(this.#start + PRODUCER_ID_AT);
  }

  get isTransactional(): boolean {
    return (this.#attributes & TRANSACTIONAL) !== 0;
  }

  /** Otherwise its records are views into the buffer. */
  get isCompressed(): boolean {
    return (this.#attributes & COMPRESSION_MASK) !== COMPRESSION_NONE;
  }

  /** A control batch holds no record of a user, but the marker that ends a transaction. */
  get isControl(): boolean {
    return (this.#attributes & CONTROL) !== 0;
  }

  /** Whether this control batch rolls its producer's transaction back. Throws LOG_UNREADABLE. */
  isAbortMarker(): boolean {
    // Compaction may have taken the marker out and left the batch.
    const key = this.records().next()?.key;
    if (key === undefined || key === null) return false;
    if (key.length < CONTROL_KEY_BYTES) throw this.#unreadable('the marker in a control batch is too short');
    return ((key[CONTROL_TYPE_AT] ?? 0) << 8) + (key[CONTROL_TYPE_AT + 1] ?? 0) === CONTROL_ABORT;
  }

  /** Throws LOG_UNREADABLE where the bytes are not those that were written. */
  check(): void {
    const set = this.#set;
    const expected = set.readUInt32BE(this.#start + CRC_AT);
    const actual = crc32c(set, this.#start + ATTRIBUTES_AT, this.end);
    if (expected !== actual) throw this.#unreadable(`its checksum is ${hex(actual)}, not ${hex(expected)}`);
  }

  /** Decompresses. Throws LOG_UNREADABLE. */
  records(): BatchRecords {
    const maxTimestampMs = this.#int64(MAX_TIMESTAMP_AT);
    const count = this.#set.readInt32BE(this.#start + COUNT_AT);
    const frame = {
      baseOffset: this.baseOffset,
      lastOffset: this.lastOffset,
      baseTimestampMs: this.#int64(BASE_TIMESTAMP_AT),
      appendTimeMs: (this.#attributes & LOG_APPEND_TIME) === 0 ? undefined : maxTimestampMs,
      count,
    };
    if (count < 0) throw this.#unreadable(`it says that it has ${count} records`);
    const bytes = count === 0 ? Buffer.alloc(0) : this.#decompressed();
    // Records must not keep the compressed batch in memory.
    const { baseOffset } = this;
    const place = this.#place;
    return new BatchRecords(bytes, frame, (what) => unreadable(whereOf(place, baseOffset), what));
  }

  get #attributes(): number {
    return this.#set.readInt16BE(this.#start + ATTRIBUTES_AT);
  }

  #decompressed(): Buffer<ArrayBuffer> {
    const packed = this.#set.subarray(this.#start + BATCH_HEADER_BYTES, this.end);
    const codec = this.#attributes & COMPRESSION_MASK;
    const chunkSize = Math.min(Math.max(packed.length * 4, MIN_PIECE_BYTES), MAX_PIECE_BYTES);
    const options = { maxOutputLength: MAX_DECOMPRESSED_BYTES, chunkSize };
    try {
      if (codec === COMPRESSION_NONE) return packed;
      if (codec === COMPRESSION_GZIP) return gunzipSync(packed, options);
      if (codec === COMPRESSION_ZSTD) return zstdDecompressSync(packed, options);
    } catch (error) {
      throw this.#unreadable(`it can't be decompressed (${messageOf(error)})`, error);
    }
    const name = OTHER_CODECS[codec] ?? `codec ${codec}`;
    const { topic } = this.#place;
    throw fatalError(
      'LOG_UNREADABLE',
      `${this.#where()} is compressed with ${name}, which can't be read here. Set compression.type=zstd on topic ` +
        `"${topic}": the broker then stores with zstd whatever is written from now on. What is there already has to be ` +
        `written again.`,
    );
  }

  #int64(at: number): number {
    return Number(this.#set.readBigInt64BE(this.#start + at));
  }

  #where(): string {
    return whereOf(this.#place, this.baseOffset);
  }

  #unreadable(what: string, cause?: unknown): PipelineError {
    return unreadable(this.#where(), what, cause);
  }
}

/**
 * Bytes of the batch that begins at `start`; undefined where the buffer ends before it says so. Throws LOG_UNREADABLE
 * where there is no batch of magic 2.
 */
export function batchLength(set: Buffer, start: number, place: Place): number | undefined {
  if (start + LENGTH_OVERHEAD > set.length) return undefined;
  const where = (): string => whereOf(place, Number(set.readBigInt64BE(start + BASE_OFFSET_AT)));
  const length = set.readInt32BE(start + LENGTH_AT) + LENGTH_OVERHEAD;
  const magic = set[start + MAGIC_AT];
  // Older formats have their magic at the same place, and may be shorter.
  if (magic !== undefined && magic !== MAGIC)
    throw unreadable(where(), `it is of the message format ${magic}, which only brokers before Kafka 4 still have`);
  if (length < BATCH_HEADER_BYTES) throw unreadable(where(), `it says that it has ${length} bytes`);
  return length;
}

function whereOf({ topic, partition }: Place, offset: number): string {
  return `The record batch at ${topic}/${partition}@${offset}`;
}

function unreadable(where: string, what: string, cause?: unknown): PipelineError {
  return fatalError(
    'LOG_UNREADABLE',
    `${where} is unreadable: ${what}. The broker's disk or the network damaged it, or its writer is at fault: read it ` +
      `with another program (kafka-dump-log) to find out which.`,
    cause,
  );
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
