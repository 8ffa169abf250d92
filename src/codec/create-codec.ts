import type { LedgerEntry, ShardDescriptor } from '../record/types.ts';
import { poisonError } from '../errors.ts';
import { AvroReader } from './avro-reader.ts';
import { AvroWriter } from './avro-writer.ts';
import { readEmbedding, readEmbeddingResolved, writeEmbedding, writeEmbeddingOf } from './embedding.ts';
import { readLedgerEntry, readLedgerParts, readLedgerResolved, writeLedgerParts } from './ledger-entry.ts';
import type { Codec, SourceRecordView } from './port.ts';
import { SchemaRegistry, type SchemaName } from './registry.ts';
import { readShardDescriptor, readShardDescriptorResolved, writeShardDescriptor } from './shard-descriptor.ts';
import {
  readPartHashes,
  readSourceRecord,
  readSourceRecordResolved,
  readSourceRecordView,
  writeSourceRecord,
} from './source-record.ts';
import { bytesOfHash } from './hashes.ts';

const HEADER_BYTES = 5;

/** Codec over the embedded registry: hand-written for the newest version of each schema, avsc for all older ones. */
export function createCodec(registry = new SchemaRegistry()): Codec {
  const writer = new AvroWriter();
  const ids = {
    SourceRecord: registry.newest('SourceRecord').id,
    Embedding: registry.newest('Embedding').id,
    LedgerEntry: registry.newest('LedgerEntry').id,
    ShardDescriptor: registry.newest('ShardDescriptor').id,
  };

  function encode<Value>(name: SchemaName, write: (writer: AvroWriter, value: Value) => void) {
    return (value: Value): Uint8Array => {
      writer.begin(ids[name]);
      write(writer, value);
      return writer.finish();
    };
  }

  function decode<Value>(
    name: SchemaName,
    read: (reader: AvroReader) => Value,
    fromResolved: (resolved: Record<string, unknown>) => Value,
  ) {
    return (value: Uint8Array): Value => {
      const id = schemaIdOf(value);
      if (id !== ids[name])
        return fromResolved(registry.resolve(id, name, value.subarray(HEADER_BYTES)) as Record<string, unknown>);
      const reader = new AvroReader(value, HEADER_BYTES);
      const result = read(reader);
      if (!reader.atEnd) throw poisonError('CODEC_CORRUPT', `The value has bytes after the end of its ${name}.`);
      return result;
    };
  }

  const encodeSourceRecord = encode('SourceRecord', writeSourceRecord);
  const encodeEmbedding = encode('Embedding', writeEmbedding);
  const decodeSourceRecord = decode('SourceRecord', readSourceRecord, readSourceRecordResolved);
  const decodeEmbedding = decode('Embedding', readEmbedding, readEmbeddingResolved);
  const view = decode('SourceRecord', readSourceRecordView, viewResolved);

  return {
    encodeSourceRecord,
    decodeSourceRecord,
    viewSourceRecord: view,
    viewPartHashes: decode('SourceRecord', readPartHashes, viewResolved),
    encodeEmbedding,
    encodeEmbeddingOf(record, parts) {
      writer.begin(ids.Embedding);
      writeEmbeddingOf(writer, record, parts);
      return writer.finish();
    },
    decodeEmbedding,
    upgradeEmbedding: (value) =>
      schemaIdOf(value) === ids.Embedding ? value : encodeEmbedding(decodeEmbedding(value)),
    encodeLedgerEntry: encode('LedgerEntry', (target, entry: LedgerEntry) => {
      writeLedgerParts(target, {
        ...entry,
        contentHash: bytesOfHash(entry.contentHash),
        fingerprint: bytesOfHash(entry.fingerprint),
      });
    }),
    encodeLedgerParts: encode('LedgerEntry', writeLedgerParts),
    decodeLedgerEntry: decode('LedgerEntry', readLedgerEntry, (resolved) => ledgerEntryOf(resolved)),
    viewLedgerEntry: decode('LedgerEntry', readLedgerParts, readLedgerResolved),
    encodeShardDescriptor: encode<ShardDescriptor>('ShardDescriptor', writeShardDescriptor),
    decodeShardDescriptor: decode('ShardDescriptor', readShardDescriptor, readShardDescriptorResolved),
  };

  function viewResolved(resolved: Record<string, unknown>): SourceRecordView {
    const current = encodeSourceRecord(readSourceRecordResolved(resolved));
    return readSourceRecordView(new AvroReader(current, HEADER_BYTES));
  }

  function ledgerEntryOf(resolved: Record<string, unknown>): LedgerEntry {
    writer.begin(ids.LedgerEntry);
    writeLedgerParts(writer, readLedgerResolved(resolved));
    return readLedgerEntry(new AvroReader(writer.finish(), HEADER_BYTES));
  }
}

/** Schema id of a framed value. */
export function schemaIdOf(value: Uint8Array): number {
  if (value.length < HEADER_BYTES || value[0] !== 0)
    throw poisonError(
      'CODEC_NOT_FRAMED',
      'The value is not in the Confluent wire format (a zero byte, then a 4-byte schema id): something else wrote to this topic.',
    );
  // Big-endian; a DataView for every value would cost more than all the rest of it.
  return (((value[1] ?? 0) << 24) | ((value[2] ?? 0) << 16) | ((value[3] ?? 0) << 8) | (value[4] ?? 0)) >>> 0;
}
