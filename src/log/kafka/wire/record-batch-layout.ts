/**
 * A record batch, magic 2, as it lies in requests, in answers and on the broker's disk (big-endian):
 *
 * | byte | type | what |
 * |---|---|---|
 * | 0 | i64 | base offset |
 * | 8 | i32 | length of all that follows |
 * | 12 | i32 | partition leader epoch |
 * | 16 | i8 | magic: 2 |
 * | 17 | u32 | CRC-32C of all that follows |
 * | 21 | i16 | attributes: compression (bits 0–2), log append time (3), transactional (4), control (5) |
 * | 23 | i32 | last offset less the base offset |
 * | 27 | i64 | base timestamp, milliseconds since the epoch |
 * | 35 | i64 | largest timestamp |
 * | 43 | i64 | producer id |
 * | 51 | i16 | producer epoch |
 * | 53 | i32 | sequence number of the first record |
 * | 57 | i32 | count of records |
 * | 61 | | records, compressed together |
 *
 * A record: its length, then attributes (i8, unused), timestamp less the base timestamp, offset less the base offset,
 * key, value, count of headers, and each header's name and value. Numbers are zig-zag varints; bytes are a length, -1
 * for null, and themselves. Source: https://kafka.apache.org/documentation/#recordbatch
 */
export const BATCH_HEADER_BYTES = 61;
/** Base offset and length: what comes before the bytes that the length counts. */
export const LENGTH_OVERHEAD = 12;
export const MAGIC = 2;

export const BASE_OFFSET_AT = 0;
export const LENGTH_AT = 8;
export const LEADER_EPOCH_AT = 12;
export const MAGIC_AT = 16;
export const CRC_AT = 17;
export const ATTRIBUTES_AT = 21;
export const LAST_OFFSET_DELTA_AT = 23;
export const BASE_TIMESTAMP_AT = 27;
export const MAX_TIMESTAMP_AT = 35;
export const PRODUCER_ID_AT = 43;
export const PRODUCER_EPOCH_AT = 51;
export const BASE_SEQUENCE_AT = 53;
export const COUNT_AT = 57;

export const COMPRESSION_MASK = 0x07;
export const LOG_APPEND_TIME = 0x08;
export const TRANSACTIONAL = 0x10;
export const CONTROL = 0x20;

export const COMPRESSION_NONE = 0;
export const COMPRESSION_GZIP = 1;
export const COMPRESSION_ZSTD = 4;
