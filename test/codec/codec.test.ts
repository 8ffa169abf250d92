import avro from 'avsc';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCodec, schemaIdOf } from '../../src/codec/create-codec.ts';
import { SchemaRegistry, repositorySchemas } from '../../src/codec/registry.ts';
import { PipelineError } from '../../src/errors.ts';
import type {
  ContentHash,
  Embedding,
  LedgerEntry,
  Metadata,
  ModelFingerprint,
  RecordId,
  ShardDescriptor,
  SourceRecord,
} from '../../src/record/types.ts';

const codec = createCodec();
const registry = new SchemaRegistry();
const text = fc.string({ unit: 'grapheme', maxLength: 80 });
const hex = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const contentHash = hex as fc.Arbitrary<ContentHash>;
const fingerprint = hex as fc.Arbitrary<ModelFingerprint>;
const offset = fc.integer({ min: 0, max: 2 ** 51 });
const time = fc.integer({ min: 0, max: 4e12 });
const metadataValue = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.double({ noNaN: true }),
  fc.maxSafeInteger(),
  fc.bigInt({ min: 2n ** 60n, max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 60n) }),
  text,
);
const metadata: fc.Arbitrary<Metadata> = fc
  // avsc, the oracle, keeps maps as objects, which reorder "1" and lose "__proto__": our keys begin with a letter.
  .array(
    fc.tuple(
      text.map((key) => `k${key}`),
      metadataValue,
    ),
    { maxLength: 8 },
  )
  .map((entries) => new Map(entries));
const vector = fc.float32Array({ maxLength: 40, noNaN: true });

const sourceRecord = fc.record(
  {
    id: text as fc.Arbitrary<RecordId>,
    source: text,
    text,
    image: fc.oneof(
      fc.record({ mime: text, bytes: fc.uint8Array().map((bytes) => Buffer.from(bytes)) }),
      fc.record({ mime: text, uri: text }),
    ),
    textHash: contentHash,
    imageHash: contentHash,
    metadata,
    page: fc.integer(),
    chunk: fc.integer(),
    createdAt: time,
  },
  { requiredKeys: ['id', 'source', 'metadata', 'createdAt'] },
) as fc.Arbitrary<SourceRecord>;

const embedding = fc
  .record(
    {
      recordId: text as fc.Arbitrary<RecordId>,
      model: text,
      fingerprint,
      contentHash,
      tokenCount: fc.nat(),
      truncated: fc.boolean(),
      createdAt: time,
      text,
      metadata,
      vector,
    },
    {
      requiredKeys: [
        'recordId',
        'model',
        'fingerprint',
        'contentHash',
        'tokenCount',
        'truncated',
        'createdAt',
        'metadata',
        'vector',
      ],
    },
  )
  .map((fields) => ({ ...fields, dimension: fields.vector.length })) as fc.Arbitrary<Embedding>;

const ledgerEntry: fc.Arbitrary<LedgerEntry> = fc.record({
  contentHash,
  fingerprint,
  outcome: fc.constantFrom('embedded', 'dead-lettered', 'published'),
  offset,
});

const descriptor: fc.Arbitrary<ShardDescriptor> = fc.record({
  name: text,
  sink: text,
  format: text,
  location: text,
  topic: text,
  partition: fc.nat(),
  firstOffset: offset,
  lastOffset: offset,
  rows: offset,
  deletions: offset,
  model: text,
  dimension: fc.nat(),
  fingerprints: fc.array(fingerprint, { maxLength: 3 }),
  files: fc.array(
    fc.record(
      {
        ...{ name: text, bytes: offset, sha256: hex },
        upload: fc.record({ id: text, parts: fc.array(fc.record({ etag: text, sha256: hex }), { maxLength: 3 }) }),
      },
      { requiredKeys: ['name', 'bytes', 'sha256'] },
    ),
    { maxLength: 3 },
  ),
  createdAt: time,
});

/** Reads a value with avsc and the schema file alone: what any other Avro program sees. */
function readByAvsc(value: Uint8Array, name: 'SourceRecord' | 'Embedding' | 'LedgerEntry' | 'ShardDescriptor') {
  const entry = registry.newest(name);
  expect(schemaIdOf(value)).toBe(entry.id);
  const type = avro.Type.forSchema(structuredClone(entry.schema) as avro.Schema, {
    wrapUnions: 'always',
    registry: {
      long: avro.types.LongType.__with({
        fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
        toBuffer: (long: bigint) => {
          const bytes = Buffer.alloc(8);
          bytes.writeBigInt64LE(long);
          return bytes;
        },
        fromJSON: BigInt,
        toJSON: Number,
        isValid: (long: unknown) => typeof long === 'bigint',
        compare: () => 0,
      }),
    },
  });
  const payload = Buffer.from(value.subarray(5));
  const decoded = type.fromBuffer(payload) as Record<string, unknown>;
  // What avsc writes of what it read is what we wrote: not only readable, but the same encoding.
  expect(type.toBuffer(decoded).equals(payload)).toBe(true);
  return decoded;
}

describe('codec', () => {
  it('round-trips source records, as avsc reads and writes them', () => {
    fc.assert(
      fc.property(sourceRecord, (record) => {
        const value = codec.encodeSourceRecord(record);
        expect(codec.decodeSourceRecord(value)).toEqual(record);
        const seen = readByAvsc(value, 'SourceRecord');
        expect(seen['id']).toBe(record.id);
      }),
    );
  });

  it('round-trips embeddings, as avsc reads and writes them', () => {
    fc.assert(
      fc.property(embedding, (value) => {
        const encoded = codec.encodeEmbedding(value);
        expect(codec.decodeEmbedding(encoded)).toEqual(value);
        expect(codec.upgradeEmbedding(encoded)).toBe(encoded);
        const seen = readByAvsc(encoded, 'Embedding');
        expect(Float32Array.from(seen['vector'] as number[])).toEqual(value.vector);
      }),
    );
  });

  it('round-trips ledger entries and shard descriptors, as avsc reads and writes them', () => {
    fc.assert(
      fc.property(ledgerEntry, descriptor, (entry, shard) => {
        const ledger = codec.encodeLedgerEntry(entry);
        expect(codec.decodeLedgerEntry(ledger)).toEqual(entry);
        readByAvsc(ledger, 'LedgerEntry');
        const encoded = codec.encodeShardDescriptor(shard);
        expect(codec.decodeShardDescriptor(encoded)).toEqual(shard);
        readByAvsc(encoded, 'ShardDescriptor');
      }),
    );
  });

  it('reads shard descriptors of the version that knew no uploads', () => {
    const first = repositorySchemas().find(({ name, version }) => name === 'ShardDescriptor' && version === 1)!;
    const type = avro.Type.forSchema(structuredClone(first.schema) as avro.Schema);
    fc.assert(
      fc.property(descriptor, (shard) => {
        const files = shard.files.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 }));
        const payload = type.toBuffer({
          ...shard,
          fingerprints: shard.fingerprints.map((each) => Buffer.from(each, 'hex')),
          files: files.map((file) => ({ ...file, sha256: Buffer.from(file.sha256, 'hex') })),
        });
        const value = Buffer.concat([Buffer.of(0, 0, 0, 0, first.id), payload]);
        expect(codec.decodeShardDescriptor(value)).toEqual({ ...shard, files });
      }),
    );
  });

  it('makes an embedding of a view with text and metadata copied byte for byte', () => {
    fc.assert(
      fc.property(sourceRecord, embedding, (record, parts) => {
        const view = codec.viewSourceRecord(codec.encodeSourceRecord(record));
        const { fingerprint: print, contentHash: content, ...rest } = parts;
        const value = codec.encodeEmbeddingOf(view, {
          ...rest,
          fingerprint: Buffer.from(print, 'hex'),
          contentHash: Buffer.from(content, 'hex'),
        });
        const withoutText: Partial<Embedding> = { ...parts };
        delete (withoutText as { text?: string }).text;
        expect(codec.decodeEmbedding(value)).toEqual({
          ...withoutText,
          recordId: record.id,
          metadata: record.metadata,
          ...(record.text !== undefined && { text: record.text }),
        });
      }),
    );
  });

  it('keeps values apart that share a slab', () => {
    const big = { ...fc.sample(sourceRecord, { numRuns: 1, seed: 1 })[0]!, text: 'x'.repeat(700_000) };
    const values = Array.from({ length: 5 }, (_, i) => codec.encodeSourceRecord({ ...big, id: `r${i}` as RecordId }));
    expect(values.map((value) => codec.decodeSourceRecord(value).id)).toEqual(['r0', 'r1', 'r2', 'r3', 'r4']);
  });

  it('answers corrupt bytes with an error that says so, never with garbage lengths', () => {
    const whole = codec.encodeEmbedding(fc.sample(embedding, { numRuns: 1, seed: 2 })[0]!);
    for (let cut = 0; cut < whole.length; cut++)
      expect(() => codec.decodeEmbedding(whole.subarray(0, cut))).toThrow(PipelineError);
    expect(() => codec.decodeEmbedding(Buffer.concat([whole, Buffer.of(0)]))).toThrow(/after the end/);
    expect(() => codec.decodeEmbedding(Buffer.from('{"json": true}'))).toThrow(/Confluent wire format/);
  });
});

describe('schema evolution', () => {
  const schemas = repositorySchemas();
  const current = schemas.find((schema) => schema.name === 'Embedding')!;
  const { fields } = current.schema as { fields: { name: string; type: unknown; default?: unknown }[] };

  /** A first version that had no text and no metadata, and whose token count was called `tokens`. */
  const older = {
    id: 91,
    name: 'Embedding',
    version: 0,
    schema: {
      ...(current.schema as object),
      fields: [
        ...fields.filter((field) => field.name !== 'text' && field.name !== 'metadata'),
        { name: 'note', type: 'string' },
      ],
    },
  };
  const newer = {
    id: 92,
    name: 'Embedding',
    version: 2,
    schema: {
      ...(current.schema as object),
      fields: [...fields, { name: 'language', type: ['null', 'string'], default: null }],
    },
  };

  it('reads values of an older version, with defaults for what it lacked and without what was dropped', () => {
    const vector = [0.25, -1.5, 3];
    const type = avro.Type.forSchema(structuredClone(older.schema) as unknown as avro.Schema, { wrapUnions: 'always' });
    const payload = type.toBuffer({
      recordId: 'a',
      model: 'm',
      fingerprint: Buffer.alloc(32, 1),
      dimension: 3,
      contentHash: Buffer.alloc(32, 2),
      tokenCount: 5,
      truncated: true,
      createdAt: 1_700_000_000_000,
      vector,
      note: 'gone',
    });
    const value = Buffer.concat([Buffer.of(0, 0, 0, 0, older.id), payload]);
    const reader = createCodec(new SchemaRegistry([older, ...schemas]));
    const decoded = reader.decodeEmbedding(value);
    expect(decoded).toEqual({
      recordId: 'a',
      model: 'm',
      fingerprint: '01'.repeat(32),
      dimension: 3,
      contentHash: '02'.repeat(32),
      tokenCount: 5,
      truncated: true,
      createdAt: 1_700_000_000_000,
      metadata: new Map(),
      vector: Float32Array.from(vector),
    });
    const upgraded = reader.upgradeEmbedding(value);
    expect(schemaIdOf(upgraded)).toBe(current.id);
    expect(codec.decodeEmbedding(upgraded)).toEqual(decoded);
  });

  it('refuses a value of a schema it does not know and says what to do', () => {
    const value = Buffer.concat([Buffer.of(0, 0, 0, 0, newer.id), Buffer.alloc(10)]);
    expect(() => codec.decodeEmbedding(value)).toThrow(/schema id 92.*update embedstream/);
    const record = codec.encodeSourceRecord(fc.sample(sourceRecord, { numRuns: 1, seed: 3 })[0]!);
    expect(() => codec.decodeEmbedding(record)).toThrow(/is a SourceRecord, where a Embedding belongs/);
  });

  it('resolves today’s values for a reader of the next version', () => {
    const next = new SchemaRegistry([...schemas, newer]);
    const value = codec.encodeEmbedding(fc.sample(embedding, { numRuns: 1, seed: 4 })[0]!);
    const resolved = next.resolve(current.id, 'Embedding', value.subarray(5)) as Record<string, unknown>;
    expect(resolved['language']).toBeNull();
  });
});
