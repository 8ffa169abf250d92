import { promisify } from 'node:util';
import { constants, zstdCompress } from 'node:zlib';
import { fatalError } from '../../../errors.ts';
import type { OutputRecord } from '../../port.ts';
import { release } from '../../../record/release.ts';
import { crc32c } from './crc32c.ts';
import {
  ATTRIBUTES_AT,
  BASE_OFFSET_AT,
  BASE_SEQUENCE_AT,
  BASE_TIMESTAMP_AT,
  BATCH_HEADER_BYTES,
  COMPRESSION_NONE,
  COMPRESSION_ZSTD,
  COUNT_AT,
  CRC_AT,
  LAST_OFFSET_DELTA_AT,
  LEADER_EPOCH_AT,
  LENGTH_AT,
  LENGTH_OVERHEAD,
  MAGIC,
  MAGIC_AT,
  MAX_TIMESTAMP_AT,
  PRODUCER_EPOCH_AT,
  PRODUCER_ID_AT,
  TRANSACTIONAL,
} from './record-batch-layout.ts';
import { varintSize, varlongSize, writeVarint, writeVarlong } from './varint.ts';

const FIRST_CAPACITY = 16 * 1024;
/** Setting a typed array costs more than this many bytes in a loop. */
const SHORT_COPY = 24;
/** Rows of catalogues are 4–8 % smaller at level 3, which takes a fifth longer. */
const ZSTD_OPTIONS = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

const compress = promisify(zstdCompress);

export type BatchRecord = Pick<OutputRecord, 'key' | 'value' | 'headers' | 'timestampMs'>;

export interface FinishOptions {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  /** Sequence number of the first record, as the broker counts this producer's records of the partition (int32). */
  readonly baseSequence: number;
  readonly transactional: boolean;
  readonly compression: 'none' | 'zstd';
}

interface EncodedHeader {
  readonly name: Buffer;
  readonly value: Uint8Array;
}

/**
 * Encodes records as one record batch of one partition, straight into a buffer. Record after record with `add`, then
 * `finish` once; what is sent again after a fault must be the very bytes that `finish` answered with.
 */
export class RecordBatchWriter {
  readonly #nowMs: number;
  #buffer: Buffer;
  #end = BATCH_HEADER_BYTES;
  #count = 0;
  #baseTimestampMs = 0;
  #maxTimestampMs = -Infinity;
  #finished = false;

  /**
   * @param nowMs timestamp of records that have none
   * @param expectedBytes what the records will take, about: a batch that grows is copied
   */
  constructor(nowMs = Date.now(), expectedBytes = FIRST_CAPACITY) {
    this.#nowMs = nowMs;
    this.#buffer = Buffer.allocUnsafeSlow(BATCH_HEADER_BYTES + expectedBytes);
  }

  get count(): number {
    return this.#count;
  }

  /** Bytes of the batch so far, its header included, before compression. */
  get bytes(): number {
    return this.#end;
  }

  /** Fractions of a millisecond are cut off: Kafka's timestamps are integers. */
  add({ key, value, headers, timestampMs = this.#nowMs }: BatchRecord): void {
    this.#checkOpen();
    const wholeMs = Math.trunc(timestampMs);
    if (this.#count === 0) this.#baseTimestampMs = wholeMs;
    if (wholeMs > this.#maxTimestampMs) this.#maxTimestampMs = wholeMs;
    const timestampDelta = wholeMs - this.#baseTimestampMs;
    const encoded = headers === undefined ? undefined : encodeHeaders(headers);
    const size =
      1 +
      varlongSize(timestampDelta) +
      varintSize(this.#count) +
      bytesSize(key) +
      bytesSize(value) +
      (encoded === undefined ? 1 : headersSize(encoded));
    const target = this.#reserve(varintSize(size) + size);
    let at = writeVarint(target, this.#end, size);
    target[at++] = 0;
    at = writeVarlong(target, at, timestampDelta);
    at = writeVarint(target, at, this.#count);
    at = writeBytes(target, at, key);
    at = writeBytes(target, at, value);
    if (encoded === undefined) target[at++] = 0;
    else at = writeHeaders(target, at, encoded);
    this.#end = at;
    this.#count++;
  }

  /** The whole batch, base offset 0. Compression runs on another thread. */
  async finish(options: FinishOptions): Promise<Buffer> {
    this.#checkOpen();
    if (this.#count === 0) throw misuse('a record batch without a record was to be sent');
    this.#finished = true;
    if (options.compression === 'none')
      return this.#seal(this.#buffer.subarray(0, this.#end), options, COMPRESSION_NONE);
    const records = await compress(this.#buffer.subarray(BATCH_HEADER_BYTES, this.#end), ZSTD_OPTIONS);
    release(this.#buffer);
    const batch = Buffer.allocUnsafeSlow(BATCH_HEADER_BYTES + records.length);
    batch.set(records, BATCH_HEADER_BYTES);
    return this.#seal(batch, options, COMPRESSION_ZSTD);
  }

  #seal(batch: Buffer, options: FinishOptions, compression: number): Buffer {
    batch.writeBigInt64BE(0n, BASE_OFFSET_AT);
    batch.writeInt32BE(batch.length - LENGTH_OVERHEAD, LENGTH_AT);
    batch.writeInt32BE(-1, LEADER_EPOCH_AT);
    batch.writeInt8(MAGIC, MAGIC_AT);
    batch.writeInt16BE(compression | (options.transactional ? TRANSACTIONAL : 0), ATTRIBUTES_AT);
    batch.writeInt32BE(this.#count - 1, LAST_OFFSET_DELTA_AT);
    batch.writeBigInt64BE(BigInt(this.#baseTimestampMs), BASE_TIMESTAMP_AT);
    batch.writeBigInt64BE(BigInt(this.#maxTimestampMs), MAX_TIMESTAMP_AT);
    batch.writeBigInt64BE(options.producerId, PRODUCER_ID_AT);
    batch.writeInt16BE(options.producerEpoch, PRODUCER_EPOCH_AT);
    batch.writeInt32BE(options.baseSequence, BASE_SEQUENCE_AT);
    batch.writeInt32BE(this.#count, COUNT_AT);
    batch.writeUInt32BE(crc32c(batch, ATTRIBUTES_AT, batch.length), CRC_AT);
    return batch;
  }

  /** The buffer, with room for `size` more bytes. */
  #reserve(size: number): Buffer {
    const needed = this.#end + size;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
      larger.set(this.#buffer.subarray(0, this.#end));
      release(this.#buffer);
      this.#buffer = larger;
    }
    return this.#buffer;
  }

  #checkOpen(): void {
    if (this.#finished) throw misuse('a finished record batch was used again');
  }
}

function misuse(what: string): Error {
  return fatalError('LOG_BATCH_MISUSED', `This is a bug of the Kafka adapter: ${what}.`);
}

function encodeHeaders(headers: NonNullable<OutputRecord['headers']>): readonly EncodedHeader[] {
  return Object.entries(headers).map(([name, value]) => ({ name: Buffer.from(name), value }));
}

function headersSize(headers: readonly EncodedHeader[]): number {
  return headers.reduce((sum, { name, value }) => sum + bytesSize(name) + bytesSize(value), varintSize(headers.length));
}

function writeHeaders(target: Buffer, at: number, headers: readonly EncodedHeader[]): number {
  let end = writeVarint(target, at, headers.length);
  for (const { name, value } of headers) {
    end = writeBytes(target, end, name);
    end = writeBytes(target, end, value);
  }
  return end;
}

function bytesSize(bytes: Uint8Array | null): number {
  return bytes === null ? 1 : varintSize(bytes.length) + bytes.length;
}

function writeBytes(target: Buffer, at: number, bytes: Uint8Array | null): number {
  if (bytes === null) return writeVarint(target, at, -1);
  const start = writeVarint(target, at, bytes.length);
  const { length } = bytes;
  if (length > SHORT_COPY) target.set(bytes, start);
  else for (let i = 0; i < length; i++) target[start + i] = bytes[i] ?? 0;
  return start + length;
}
