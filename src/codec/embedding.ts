import type { Embedding, RecordId } from '../record/types.ts';
import type { AvroReader } from './avro-reader.ts';
import type { AvroWriter } from './avro-writer.ts';
import { HASH_BYTES, bytesOfHash, contentHashOf, fingerprintOf } from './hashes.ts';
import type { EmbeddingParts, SourceRecordView } from './port.ts';
import { metadataField, optional } from './resolved.ts';

export function writeEmbedding(writer: AvroWriter, embedding: Embedding): void {
  writeHead(writer, embedding.recordId, {
    ...embedding,
    fingerprint: bytesOfHash(embedding.fingerprint),
    contentHash: bytesOfHash(embedding.contentHash),
  });
  writer.writeLong(embedding.text === undefined ? 0 : 1);
  if (embedding.text !== undefined) writer.writeString(embedding.text);
  writer.writeMetadata(embedding.metadata);
  writer.writeFloats(embedding.vector);
}

export function writeEmbeddingOf(writer: AvroWriter, record: SourceRecordView, parts: EmbeddingParts): void {
  writeHead(writer, record.id, parts);
  writer.writeRaw(record.textRaw);
  writer.writeRaw(record.metadataRaw);
  writer.writeFloats(parts.vector);
}

function writeHead(writer: AvroWriter, recordId: string, parts: EmbeddingParts): void {
  writer.writeString(recordId);
  writer.writeString(parts.model);
  writer.writeRaw(parts.fingerprint);
  writer.writeLong(parts.vector.length);
  writer.writeRaw(parts.contentHash);
  writer.writeLong(parts.tokenCount);
  writer.writeBoolean(parts.truncated);
  writer.writeLong(parts.createdAt);
}

export function readEmbedding(reader: AvroReader): Embedding {
  const recordId = reader.readString() as RecordId;
  const model = reader.readString();
  const fingerprint = fingerprintOf(reader.readFixed(HASH_BYTES));
  const dimension = reader.readLong();
  const contentHash = contentHashOf(reader.readFixed(HASH_BYTES));
  const tokenCount = reader.readLong();
  const truncated = reader.readBoolean();
  const createdAt = reader.readLong();
  const text = reader.readOptionalString();
  const metadata = reader.readMetadata();
  const vector = reader.readFloats();
  return {
    recordId,
    model,
    fingerprint,
    dimension,
    contentHash,
    tokenCount,
    truncated,
    createdAt,
    ...(text !== undefined && { text }),
    metadata,
    vector,
  };
}

export function readEmbeddingResolved(fields: Record<string, unknown>): Embedding {
  const text = optional(fields['text']) as string | undefined;
  return {
    recordId: fields['recordId'] as RecordId,
    model: fields['model'] as string,
    fingerprint: fingerprintOf(fields['fingerprint'] as Uint8Array),
    dimension: fields['dimension'] as number,
    contentHash: contentHashOf(fields['contentHash'] as Uint8Array),
    tokenCount: fields['tokenCount'] as number,
    truncated: fields['truncated'] as boolean,
    createdAt: fields['createdAt'] as number,
    ...(text !== undefined && { text }),
    metadata: metadataField(fields['metadata']),
    vector: Float32Array.from(fields['vector'] as number[]),
  };
}
