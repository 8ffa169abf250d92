/** Microseconds a value: our codec and avsc, side by side. `node bench/codec/run.ts` */
import avro from 'avsc';
import { createCodec } from '../../src/codec/create-codec.ts';
import { repositorySchemas } from '../../src/codec/registry.ts';
import { sha256 } from '../../src/record/identity.ts';
import type { ContentHash, RecordId } from '../../src/record/types.ts';

const VALUES = 20_000;
const codec = createCodec();

function typeOf(name: string): avro.Type {
  const schema = repositorySchemas().find((each) => each.name === name)?.schema;
  return avro.Type.forSchema(schema as avro.Schema, { wrapUnions: 'always' });
}

function microseconds(work: () => unknown): number {
  for (let i = 0; i < VALUES / 4; i++) work();
  const rounds = [0, 1, 2].map(() => {
    const startMs = performance.now();
    for (let i = 0; i < VALUES; i++) work();
    return ((performance.now() - startMs) / VALUES) * 1000;
  });
  return rounds.sort((a, b) => a - b)[1] ?? 0;
}

for (const columns of [7, 54]) {
  const metadata = new Map(Array.from({ length: columns }, (_, i) => [`Column ${i}`, i % 3 ? `some text ${i}` : null]));
  const text = 'One-dollar coin. Some maker. Gold';
  const textHash = sha256(text).toString('hex') as ContentHash;
  const record = { id: '12345' as RecordId, source: 'objects', text, textHash, metadata, createdAt: 1_700_000_000_000 };
  const value = codec.encodeSourceRecord(record);
  const view = codec.viewSourceRecord(value);
  const hash = sha256('x');
  const parts = { model: 'm', fingerprint: hash, contentHash: hash, tokenCount: 9, truncated: false };
  const embeddingParts = { ...parts, createdAt: record.createdAt, vector: new Float32Array(384).fill(0.1) };
  const embedding = codec.encodeEmbeddingOf(view, embeddingParts);
  const recordType = typeOf('SourceRecord');
  const embeddingType = typeOf('Embedding');
  const decodedRecord: unknown = recordType.fromBuffer(Buffer.from(value.subarray(5)));
  const embeddingPayload = Buffer.from(embedding.subarray(5));
  const decodedEmbedding: unknown = embeddingType.fromBuffer(embeddingPayload);
  const rows: Record<string, [ours: number, avsc: number]> = {
    'encode record': [
      microseconds(() => codec.encodeSourceRecord(record)),
      microseconds(() => recordType.toBuffer(decodedRecord)),
    ],
    'view record (avsc: decode)': [
      microseconds(() => codec.viewSourceRecord(value)),
      microseconds(() => recordType.fromBuffer(Buffer.from(value.buffer, value.byteOffset + 5, value.length - 5))),
    ],
    'encode embedding, 384-d': [
      microseconds(() => codec.encodeEmbeddingOf(view, embeddingParts)),
      microseconds(() => embeddingType.toBuffer(decodedEmbedding)),
    ],
    'decode embedding, 384-d': [
      microseconds(() => codec.decodeEmbedding(embedding)),
      microseconds(() => embeddingType.fromBuffer(embeddingPayload)),
    ],
    'encode ledger entry': [
      microseconds(() => codec.encodeLedgerParts({ ...parts, outcome: 'embedded', offset: 1 })),
      Number.NaN,
    ],
  };
  console.log(`${columns} metadata columns: microseconds a value, ours and avsc`);
  for (const [what, [ours, avsc]] of Object.entries(rows))
    console.log(
      `  ${what.padEnd(28)} ${ours.toFixed(2).padStart(7)} ${Number.isNaN(avsc) ? '' : avsc.toFixed(2).padStart(7)}`,
    );
}
