import avro from 'avsc';
import { expect, it } from 'vitest';
import { createCodec } from '../../../src/codec/create-codec.ts';
import { repositorySchemas, SchemaRegistry, type RegisteredSchema } from '../../../src/codec/registry.ts';
import { createEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts';
import { topicNames } from '../../../src/log/topics.ts';
import { createEmbedder } from '../../../src/models/create-embedder.ts';
import { scorerOf } from '../../../src/models/similarity.ts';
import { searchLog } from '../../../src/operations/search/search-log.ts';
import { EmbeddingTask, ensureProcessorTopics } from '../../../src/processors/embedding-task.ts';
import { sha256 } from '../../../src/record/identity.ts';
import { createFileSink } from '../../../src/sinks/file-sink.ts';
import { newPlace } from './runner.ts';

const sha = { type: 'fixed', name: 'Sha256', size: 32 };

/** First versions of our schemas: fewer fields, narrower types, and one that was dropped since. */
const older: readonly RegisteredSchema[] = [
  older0(81, 'SourceRecord', [
    { name: 'id', type: 'string' },
    { name: 'source', type: 'string' },
    { name: 'text', type: ['null', 'string'] },
    { name: 'textHash', type: ['null', sha] },
    { name: 'metadata', type: { type: 'map', values: 'string' } },
    { name: 'language', type: 'string' },
    { name: 'createdAt', type: 'long' },
  ]),
  older0(82, 'Embedding', [
    { name: 'recordId', type: 'string' },
    { name: 'model', type: 'string' },
    { name: 'fingerprint', type: sha },
    { name: 'dimension', type: 'int' },
    { name: 'contentHash', type: 'Sha256' },
    { name: 'tokenCount', type: 'int' },
    { name: 'truncated', type: 'boolean' },
    { name: 'createdAt', type: 'long' },
    { name: 'vector', type: { type: 'array', items: 'float' } },
  ]),
  older0(83, 'LedgerEntry', [
    { name: 'contentHash', type: sha },
    { name: 'fingerprint', type: 'Sha256' },
    { name: 'outcome', type: { type: 'enum', name: 'Outcome', symbols: ['EMBEDDED'] } },
    { name: 'offset', type: 'int' },
  ]),
];

function older0(id: number, name: string, fields: readonly object[]): RegisteredSchema {
  return { id, name, version: 0, schema: { type: 'record', name, namespace: 'embedstream', fields } };
}

/** As the older release wrote it: Confluent's frame around plain Avro. */
function encodeOlder(name: string, value: object): Buffer {
  const { id, schema } = older.find((each) => each.name === name)!;
  const type = avro.Type.forSchema(structuredClone(schema) as avro.Schema, { wrapUnions: 'always' });
  return Buffer.concat([Buffer.of(0, 0, 0, 0, id), type.toBuffer(value)]);
}

it('process, sink and search go on with a log that an older release wrote', async () => {
  const place = newPlace();
  const log = await createEmbeddedLog({ dataDir: place.path('log') });
  const embedder = await createEmbedder({ model: 'hashed-384' });
  const codec = createCodec(new SchemaRegistry([...older, ...repositorySchemas()]));
  const topics = topicNames('old');
  const { name: model, dimension, fingerprint } = embedder.info;
  await ensureProcessorTopics(log, topics, model, 1);

  const texts = ['a bronze dragon', 'a silk carpet', 'a jade cup'];
  const { vectors } = await embedder.embed(texts.map((text) => ({ text })));
  const identity = { fingerprint: Buffer.from(fingerprint, 'hex'), contentHash: sha256(texts[0]!) };
  const embedding = { recordId: 'r0', model, ...identity, dimension, tokenCount: 15, truncated: false, createdAt: 1 };
  const producer = await log.producer('an older release');
  await producer.append([
    ...texts.map((text, i) => ({
      topic: topics.records,
      key: Buffer.from(`r${i}`),
      value: encodeOlder('SourceRecord', {
        ...{ id: `r${i}`, source: 's', text: { string: text }, textHash: { 'embedstream.Sha256': sha256(text) } },
        ...{ metadata: { shelf: `${i}` }, language: 'en', createdAt: 1 },
      }),
    })),
    {
      topic: topics.embeddings(model),
      key: Buffer.from('r0'),
      value: encodeOlder('Embedding', { ...embedding, vector: [...vectors.subarray(0, dimension)] }),
    },
    {
      topic: topics.ledger(model),
      key: Buffer.from('r0'),
      value: encodeOlder('LedgerEntry', { ...identity, outcome: 'EMBEDDED', offset: 0 }),
    },
  ]);
  await producer.close();

  const common = { log, codec, topics, clock: () => 2, namespace: 'old', model, dimension };
  const task = new EmbeddingTask({ ...common, embedder });
  await log.run(task, { until: 'end' });
  expect(task.counts).toMatchObject({ read: 3, skipped: 1, embedded: 2, deadLettered: 0 });

  const sink = createFileSink({ ...common, format: 'parquet', out: place.path('data') });
  await log.run(sink, { until: 'end' });
  await sink.close();
  const rows = await place.rows('data', 'parquet', model);
  expect(rows.map(({ id, text, metadata, createdAt }) => [id, text, metadata.get('shelf'), createdAt])).toEqual([
    ['r0', undefined, undefined, 1],
    ['r1', texts[1], '1', 2],
    ['r2', texts[2], '2', 2],
  ]);
  expect(rows[0]!.vector).toEqual(vectors.slice(0, dimension));

  const query = await embedder.embed([{ text: texts[0]! }], { as: 'query' });
  const found = await searchLog({
    ...common,
    model: embedder.info,
    scorer: scorerOf('cosine', query.vectors),
    limit: 1,
  });
  expect(found).toMatchObject({ compared: 3, matches: [{ id: 'r0' }] });
  expect(found.matches[0]!.score).toBeCloseTo(1, 5);
  await embedder.close();
  await log.close();
});
