import type { ShardDescriptor, ShardFile, ShardUpload } from '../record/types.ts';
import type { AvroReader } from './avro-reader.ts';
import type { AvroWriter } from './avro-writer.ts';
import { HASH_BYTES, bytesOfHash, fingerprintOf, hexOf } from './hashes.ts';
import { optional } from './resolved.ts';

export function writeShardDescriptor(writer: AvroWriter, descriptor: ShardDescriptor): void {
  const { name, sink, format, location, topic, partition, firstOffset, lastOffset } = descriptor;
  for (const text of [name, sink, format, location, topic]) writer.writeString(text);
  for (const number of [partition, firstOffset, lastOffset, descriptor.rows, descriptor.deletions])
    writer.writeLong(number);
  writer.writeString(descriptor.model);
  writer.writeLong(descriptor.dimension);
  writeArray(writer, descriptor.fingerprints, (fingerprint) => {
    writer.writeRaw(bytesOfHash(fingerprint));
  });
  writeArray(writer, descriptor.files, (file) => {
    writer.writeString(file.name);
    writer.writeLong(file.bytes);
    writer.writeRaw(bytesOfHash(file.sha256));
    writeUpload(writer, file.upload);
  });
  writer.writeLong(descriptor.createdAt);
}

function writeUpload(writer: AvroWriter, upload: ShardUpload | undefined): void {
  writer.writeLong(upload === undefined ? 0 : 1);
  if (upload === undefined) return;
  writer.writeString(upload.id);
  writeArray(writer, upload.parts, ({ etag, sha256 }) => {
    writer.writeString(etag);
    writer.writeRaw(bytesOfHash(sha256));
  });
}

function writeArray<Item>(writer: AvroWriter, items: readonly Item[], write: (item: Item) => void): void {
  if (items.length > 0) writer.writeLong(items.length);
  for (const item of items) write(item);
  writer.writeLong(0);
}

export function readShardDescriptor(reader: AvroReader): ShardDescriptor {
  // Object literals are evaluated in order, which is the order of the fields on the wire.
  return {
    name: reader.readString(),
    sink: reader.readString(),
    format: reader.readString(),
    location: reader.readString(),
    topic: reader.readString(),
    partition: reader.readLong(),
    firstOffset: reader.readLong(),
    lastOffset: reader.readLong(),
    rows: reader.readLong(),
    deletions: reader.readLong(),
    model: reader.readString(),
    dimension: reader.readLong(),
    fingerprints: reader.readArray(() => fingerprintOf(reader.readFixed(HASH_BYTES))),
    files: reader.readArray(() => ({
      name: reader.readString(),
      bytes: reader.readLong(),
      sha256: hexOf(reader.readFixed(HASH_BYTES)),
      ...readUpload(reader),
    })),
    createdAt: reader.readLong(),
  };
}

function readUpload(reader: AvroReader): Pick<ShardFile, 'upload'> {
  if (reader.readBranch(2) === 0) return {};
  const id = reader.readString();
  const parts = reader.readArray(() => ({
    etag: reader.readString(),
    sha256: hexOf(reader.readFixed(HASH_BYTES)),
  }));
  return { upload: { id, parts } };
}

export function readShardDescriptorResolved(fields: Record<string, unknown>): ShardDescriptor {
  // Field names are the same in the schema and in the type; only the hashes have another form.
  const plain = fields as Omit<ShardDescriptor, 'fingerprints' | 'files'>;
  return {
    ...plain,
    fingerprints: (fields['fingerprints'] as unknown[]).map((bytes) => fingerprintOf(bytes as Uint8Array)),
    files: (fields['files'] as Record<string, unknown>[]).map((file): ShardFile => ({
      name: file['name'] as string,
      bytes: file['bytes'] as number,
      sha256: hexOf(file['sha256'] as Uint8Array),
      ...resolvedUpload(file['upload']),
    })),
  };
}

function resolvedUpload(value: unknown): Pick<ShardFile, 'upload'> {
  const upload = optional(value) as { id: string; parts: { etag: string; sha256: Uint8Array }[] } | undefined;
  if (upload === undefined) return {};
  const parts = upload.parts.map(({ etag, sha256 }) => ({ etag, sha256: hexOf(sha256) }));
  return { upload: { id: upload.id, parts } };
}
