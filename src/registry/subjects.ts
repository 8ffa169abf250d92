import type { SchemaName } from '../codec/registry.ts';
import { topicNames } from '../log/topics.ts';

/** Whose values a topic of a namespace holds; undefined where none of ours belong (dead letters, other topics). */
export function schemaOfTopic(namespace: string, topic: string): SchemaName | undefined {
  const names = topicNames(namespace);
  if (topic === names.records) return 'SourceRecord';
  // A topic's name is its kind and then a model, source or sink, which may itself hold dots.
  const [embeddings, ledger, shards] = [names.embeddings('x'), names.ledger('x'), names.shards('x')];
  if (isOfKind(topic, embeddings)) return 'Embedding';
  if (isOfKind(topic, ledger)) return 'LedgerEntry';
  if (isOfKind(topic, shards)) return 'ShardDescriptor';
  return undefined;
}

/** Confluent's TopicNameStrategy. */
export function subjectOf(topic: string): string {
  return `${topic}-value`;
}

/** `example` is such a topic for something called "x". */
function isOfKind(topic: string, example: string): boolean {
  return topic.startsWith(example.slice(0, -1));
}
