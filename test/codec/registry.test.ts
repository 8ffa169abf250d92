import avro from 'avsc';
import { describe, expect, it, vi } from 'vitest';
import { createCodec, schemaIdOf } from '../../src/codec/create-codec.ts';
import { repositorySchemas, SchemaRegistry } from '../../src/codec/registry.ts';
import { PipelineError } from '../../src/errors.ts';
import type { ContentHash, LedgerEntry, ModelFingerprint } from '../../src/record/types.ts';

const entry: LedgerEntry = {
  contentHash: '01'.repeat(32) as ContentHash,
  fingerprint: '02'.repeat(32) as ModelFingerprint,
  outcome: 'embedded',
  offset: 5_000_000_000,
};
const current = repositorySchemas().find(({ name }) => name === 'LedgerEntry')!.schema as {
  fields: { name: string; type: unknown }[];
};
/** As an older release could have had it: `offset` was an int, and there was one more field. */
const older = {
  ...current,
  fields: [
    ...current.fields.filter(({ name }) => name !== 'offset'),
    { name: 'offset', type: 'int' },
    { name: 'note', type: 'string' },
  ],
};

function olderValue(id: number, offset: number): Buffer {
  const type = avro.Type.forSchema(structuredClone(older) as avro.Schema);
  const payload = type.toBuffer({
    contentHash: Buffer.from(entry.contentHash, 'hex'),
    fingerprint: Buffer.from(entry.fingerprint, 'hex'),
    outcome: 'EMBEDDED',
    offset,
    note: 'gone',
  });
  return framed(id, payload);
}

function framed(id: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(id, 1);
  return Buffer.concat([header, payload]);
}

function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof PipelineError) return `${error.code}${error.poison ? ' poison' : ''}: ${error.message}`;
  }
  throw new Error('no PipelineError');
}

describe('ids from a schema registry', () => {
  it('writes the first id that the registry gave, whatever came later, and nothing before', () => {
    const registry = SchemaRegistry.learning();
    const codec = createCodec(registry);
    expect(codeOf(() => codec.encodeLedgerEntry(entry))).toMatch(/^CODEC_NO_SCHEMA_ID: .*LedgerEntry/);
    registry.adopt('LedgerEntry', 4711);
    expect(schemaIdOf(codec.encodeLedgerEntry(entry))).toBe(4711);
    registry.adopt('LedgerEntry', 4712);
    expect(registry.idOf('LedgerEntry')).toBe(4711);
    expect(schemaIdOf(codec.encodeLedgerEntry(entry))).toBe(4711);
    expect(codec.decodeLedgerEntry(framed(4712, codec.encodeLedgerEntry(entry).subarray(5)))).toEqual(entry);
  });

  it('knows none of the ids in the repository', () => {
    const value = createCodec().encodeLedgerEntry(entry);
    const codec = createCodec(SchemaRegistry.learning());
    expect(codeOf(() => codec.decodeLedgerEntry(value))).toMatch(
      /^CODEC_UNKNOWN_SCHEMA poison: .*schema id 3, which the schema registry does not know/,
    );
  });

  it('reads what has the same canonical form by hand, with any id, and all else through one resolver an id', () => {
    const resolvers = vi.spyOn(avro.Type.prototype, 'createResolver');
    const registry = SchemaRegistry.learning();
    const codec = createCodec(registry);
    registry.adopt('LedgerEntry', 7);
    const payload = codec.encodeLedgerEntry(entry).subarray(5);
    registry.learn(8, JSON.parse(JSON.stringify(current)));
    registry.learn(9, {
      ...{ type: 'record', name: 'embedstream.LedgerEntry', doc: 'Another text.', aliases: ['Old'] },
      fields: current.fields.map((field) => ({ ...field, doc: 'Another text.' })),
    });
    for (const id of [7, 8, 9, 7]) expect(codec.decodeLedgerEntry(framed(id, payload))).toEqual(entry);
    expect(resolvers).toHaveBeenCalledTimes(0);

    registry.learn(10, older);
    registry.learn(11, older);
    for (let offset = 0; offset < 50; offset++) {
      for (const id of [10, 11, 7]) {
        const value = id === 7 ? framed(7, payload) : olderValue(id, offset);
        const expected = id === 7 ? entry : { ...entry, offset };
        expect(codec.decodeLedgerEntry(value)).toEqual(expected);
        expect(codec.viewLedgerEntry(value).offset).toBe(expected.offset);
      }
    }
    // avsc makes one for each field, too.
    const made = resolvers.mock.contexts.filter((type) => (type as avro.Type).name === 'embedstream.LedgerEntry');
    expect(made).toHaveLength(2);
    resolvers.mockRestore();
  });

  it('makes poison of another schema, and of a version that it can not read', () => {
    const registry = SchemaRegistry.learning();
    const codec = createCodec(registry);
    registry.adopt('Embedding', 1);
    const others: [unknown, RegExp][] = [
      [
        { type: 'record', name: 'LedgerEntry', namespace: 'org.other', fields: [] },
        /is a "org.other.LedgerEntry", where/,
      ],
      ['string', /is a string, where a LedgerEntry belongs/],
      [['null', 'string'], /is a nameless schema, where/],
      [{ type: 'PROTOBUF' }, /is a nameless PROTOBUF, where/],
      [repositorySchemas().find(({ name }) => name === 'Embedding')!.schema, /is a Embedding, where a LedgerEntry/],
      [
        { ...current, fields: current.fields.slice(0, -1) },
        /that this version can't read .*offset.*: update embedstream/,
      ],
      [{ type: 'record', name: 'embedstream.LedgerEntry', fields: 'no list' }, /that this version can't read/],
    ];
    for (const [i, [schema, expected]] of others.entries()) {
      registry.learn(20 + i, schema);
      const code = codeOf(() => codec.decodeLedgerEntry(framed(20 + i, Buffer.alloc(80))));
      expect(code).toMatch(/^CODEC_UNKNOWN_SCHEMA poison/);
      expect(code).toMatch(expected);
    }
  });

  it('decodes and upgrades where no id was given: whoever only reads needs none', () => {
    const registry = SchemaRegistry.learning();
    const codec = createCodec(registry);
    registry.learn(10, older);
    expect(codec.decodeLedgerEntry(olderValue(10, 3))).toEqual({ ...entry, offset: 3 });
  });
});
