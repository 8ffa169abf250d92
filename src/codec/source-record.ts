import type { ContentHash, ImagePart, RecordId, SourceRecord } from '../record/types.ts';
import type { AvroReader } from './avro-reader.ts';
import type { AvroWriter } from './avro-writer.ts';
import { HASH_BYTES, bytesOfHash, contentHashOf } from './hashes.ts';
import type { PartHashesView, SourceRecordView } from './port.ts';
import { metadataField, optional } from './resolved.ts';

export function writeSourceRecord(writer: AvroWriter, record: SourceRecord): void {
  writer.writeString(record.id);
  writer.writeString(record.source);
  writeOptional(writer, record.text, (text) => {
    writer.writeString(text);
  });
  writeOptional(writer, record.image, (image) => {
    writer.writeString(image.mime);
    writeOptional(writer, image.bytes, (bytes) => {
      writer.writeBytes(bytes);
    });
    writeOptional(writer, image.uri, (uri) => {
      writer.writeString(uri);
    });
  });
  for (const hash of [record.textHash, record.imageHash])
    writeOptional(writer, hash, (hex) => {
      writer.writeRaw(bytesOfHash(hex));
    });
  writer.writeMetadata(record.metadata);
  for (const number of [record.page, record.chunk])
    writeOptional(writer, number, (value) => {
      writer.writeLong(value);
    });
  writer.writeLong(record.createdAt);
}

function writeOptional<Value>(writer: AvroWriter, value: Value | undefined, write: (value: Value) => void): void {
  writer.writeLong(value === undefined ? 0 : 1);
  if (value !== undefined) write(value);
}

export function readSourceRecord(reader: AvroReader): SourceRecord {
  const id = reader.readString() as RecordId;
  const source = reader.readString();
  const text = reader.readOptionalString();
  const image = readImage(reader);
  const textHash = readHash(reader);
  const imageHash = readHash(reader);
  const metadata = reader.readMetadata();
  const page = reader.readBranch(2) === 0 ? undefined : reader.readLong();
  const chunk = reader.readBranch(2) === 0 ? undefined : reader.readLong();
  return defined({
    id,
    source,
    text,
    image,
    textHash: textHash && contentHashOf(textHash),
    imageHash: imageHash && contentHashOf(imageHash),
    metadata,
    page,
    chunk,
    createdAt: reader.readLong(),
  });
}

export function readSourceRecordView(reader: AvroReader): SourceRecordView {
  const id = reader.readString();
  reader.skipString();
  const textStart = reader.at;
  const text = reader.readOptionalString();
  const textEnd = reader.at;
  const image = readImage(reader);
  const textHash = readHash(reader);
  const imageHash = readHash(reader);
  const metadataStart = reader.at;
  reader.skipMetadata();
  const metadataEnd = reader.at;
  skipAfterMetadata(reader);
  return {
    id,
    text,
    image,
    textHash,
    imageHash,
    textRaw: reader.slice(textStart, textEnd),
    metadataRaw: reader.slice(metadataStart, metadataEnd),
  };
}

export function readPartHashes(reader: AvroReader): PartHashesView {
  reader.skipString();
  reader.skipString();
  if (reader.readBranch(2) === 1) reader.skipString();
  readImage(reader);
  const textHash = readHash(reader);
  const imageHash = readHash(reader);
  reader.skipMetadata();
  skipAfterMetadata(reader);
  return { textHash, imageHash };
}

function skipAfterMetadata(reader: AvroReader): void {
  if (reader.readBranch(2) === 1) reader.readLong();
  if (reader.readBranch(2) === 1) reader.readLong();
  reader.readLong();
}

export function readSourceRecordResolved(fields: Record<string, unknown>): SourceRecord {
  const image = optional(fields['image']) as Record<string, unknown> | undefined;
  const hashOf = (field: unknown): ContentHash | undefined => {
    const bytes = optional(field) as Uint8Array | undefined;
    return bytes && contentHashOf(bytes);
  };
  return defined({
    id: fields['id'] as RecordId,
    source: fields['source'] as string,
    text: optional(fields['text']) as string | undefined,
    image:
      image &&
      definedImage(
        image['mime'] as string,
        optional(image['bytes']) as Uint8Array | undefined,
        optional(image['uri']) as string | undefined,
      ),
    textHash: hashOf(fields['textHash']),
    imageHash: hashOf(fields['imageHash']),
    metadata: metadataField(fields['metadata']),
    page: optional(fields['page']) as number | undefined,
    chunk: optional(fields['chunk']) as number | undefined,
    createdAt: fields['createdAt'] as number,
  });
}

function readImage(reader: AvroReader): ImagePart | undefined {
  if (reader.readBranch(2) === 0) return undefined;
  const mime = reader.readString();
  const bytes = reader.readBranch(2) === 0 ? undefined : reader.readBytes();
  return definedImage(mime, bytes, reader.readOptionalString());
}

function definedImage(mime: string, bytes: Uint8Array | undefined, uri: string | undefined): ImagePart {
  return { mime, ...(bytes && { bytes }), ...(uri !== undefined && { uri }) };
}

function readHash(reader: AvroReader): Buffer | undefined {
  return reader.readBranch(2) === 0 ? undefined : reader.readFixed(HASH_BYTES);
}

type WithUndefined<Fields> = {
  [Key in keyof Required<Fields>]: Fields[Key] | (object extends Pick<Fields, Key> ? undefined : never);
};

/** Leaves out the optional parts that are undefined. */
function defined({
  text,
  image,
  textHash,
  imageHash,
  page,
  chunk,
  ...rest
}: WithUndefined<SourceRecord>): SourceRecord {
  return {
    ...rest,
    ...(text !== undefined && { text }),
    ...(image && { image }),
    ...(textHash && { textHash }),
    ...(imageHash && { imageHash }),
    ...(page !== undefined && { page }),
    ...(chunk !== undefined && { chunk }),
  };
}
