import type { LedgerEntry, ShardDescriptor } from '../record/types.ts';
import { fatalError, poisonError } from '../errors.ts';
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

/** In values that are read again at once and never reach a log. */
const NO_ID = 0;

/**
 * Codec over a registry: hand-written for the newest version of each schema, avsc for all others. The registry may
 * learn ids while the codec is used. Encoders need the id of their schema: CODEC_NO_SCHEMA_ID (fatal).
 */
export function createCodec(registry = new SchemaRegistry()): Codec {
  const writer = new AvroWriter();

  function encode<Value>(name: SchemaName, write: (writer: AvroWriter, value: Value) => void) {
    const idOf = idGiver(registry, name);
    return (value: Value): Uint8Array => {
      writer.begin(idOf());
      write(writer, value);
      return writer.finish();
    };
  }

  function decode<Value>(
    name: SchemaName,
    read: (reader: AvroReader) => Value,
    fromResolved: (resolved: Record<string, unknown>) => Value,
  ) {
    const isCurrent = currentCheck(registry, name);
    return (value: Uint8Array): Value => {
      const id = schemaIdOf(value);
      if (!isCurrent(id))
        return fromResolved(registry.resolve(id, name, value.subarray(HEADER_BYTES)) as Record<string, unknown>);
      const reader = new AvroReader(value, HEADER_BYTES);
      const result = read(reader);
      if (!reader.atEnd) throw poisonError('CODEC_CORRUPT', `The value has bytes after the end of its ${name}.`);
      return result;
    };
  }

  const decodeSourceRecord = decode('SourceRecord', readSourceRecord, readSourceRecordResolved);
  const decodeEmbedding = decode('Embedding', readEmbedding, readEmbeddingResolved);
  const embeddingId = idGiver(registry, 'Embedding');
  const isCurrentEmbedding = currentCheck(registry, 'Embedding');

  return {
    encodeSourceRecord: encode('SourceRecord', writeSourceRecord),
    decodeSourceRecord,
    viewSourceRecord: decode('SourceRecord', readSourceRecordView, viewResolved),
    viewPartHashes: decode('SourceRecord', readPartHashes, viewResolved),
    encodeEmbedding: encode('Embedding', writeEmbedding),
    encodeEmbeddingOf(record, parts) {
      writer.begin(embeddingId());
      writeEmbeddingOf(writer, record, parts);
      return writer.finish();
    },
    decodeEmbedding,
    upgradeEmbedding(value) {
      if (isCurrentEmbedding(schemaIdOf(value))) return value;
      const embedding = decodeEmbedding(value);
      writer.begin(registry.idOf('Embedding') ?? NO_ID);
      writeEmbedding(writer, embedding);
      return writer.finish();
    },
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
    writer.begin(NO_ID);
    writeSourceRecord(writer, readSourceRecordResolved(resolved));
    return readSourceRecordView(new AvroReader(writer.finish(), HEADER_BYTES));
  }

  function ledgerEntryOf(resolved: Record<string, unknown>): LedgerEntry {
    writer.begin(NO_ID);
    writeLedgerParts(writer, readLedgerResolved(resolved));
    return readLedgerEntry(new AvroReader(writer.finish(), HEADER_BYTES));
  }
}

/** The id that values of a schema carry, asked for until there is one. */
function idGiver(registry: SchemaRegistry, name: SchemaName): () => number {
  let id: number | undefined;
  return () => {
    id ??= registry.idOf(name);
    if (id !== undefined) return id;
    throw fatalError(
      'CODEC_NO_SCHEMA_ID',
      `The schema registry has given no id for ${name} yet: ensure the topic before writing to it. This is a bug.`,
    );
  };
}

/** Whether an id is one of the newest version's; as cheap as a comparison when it is the same id again. */
function currentCheck(registry: SchemaRegistry, name: SchemaName): (id: number) => boolean {
  let last: number | undefined;
  return (id) => {
    if (id === last) return true;
    if (!registry.isCurrent(id, name)) return false;
    last = id;
    return true;
  };
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
