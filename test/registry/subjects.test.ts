import { describe, expect, it } from 'vitest';
import { topicNames } from '../../src/log/topics.ts';
import { schemaOfTopic, subjectOf } from '../../src/registry/subjects.ts';

describe.each(['museum', 'a.b'])('topics of namespace %s', (namespace) => {
  const names = topicNames(namespace);

  it.each([
    [names.records, 'SourceRecord'],
    [names.embeddings('all-MiniLM-L6-v2'), 'Embedding'],
    [names.embeddings('odd.records'), 'Embedding'],
    [names.ledger('all-MiniLM-L6-v2'), 'LedgerEntry'],
    [names.sourceLedger('MetObjects.csv'), 'LedgerEntry'],
    [names.shards('parquet-x'), 'ShardDescriptor'],
    [names.deadLetters, undefined],
    [`${namespace}.records.old`, undefined],
    [`other.${names.records}`, undefined],
    [`${namespace}.embeddings`, undefined],
    ['records', undefined],
  ])('%s: %s', (topic, schema) => {
    expect(schemaOfTopic(namespace, topic)).toBe(schema);
  });
});

it('names subjects as Confluent does', () => {
  expect(subjectOf('museum.records')).toBe('museum.records-value');
});
