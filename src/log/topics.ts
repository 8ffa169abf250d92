import type { TopicSpec } from './port.ts';
import { UsageError } from '../errors.ts';

/** Kafka allows these characters and 249 of them; the rest of a name is replaced. */
const UNSAFE = /[^a-zA-Z0-9._-]+/g;

export function topicSegment(name: string): string {
  const safe = name.replace(UNSAFE, '-');
  if (safe === '' || safe === '.' || safe === '..') throw new UsageError(`"${name}" can't be part of a topic name.`);
  return safe.slice(0, 150);
}

/** Names of all topics of one namespace. */
export interface TopicNames {
  readonly records: string;
  readonly deadLetters: string;
  embeddings(model: string): string;
  ledger(model: string): string;
  sourceLedger(source: string): string;
  /** What an import has put on the log. */
  importLedger(name: string): string;
  shards(sink: string): string;
}

export function topicNames(namespace: string): TopicNames {
  const ns = topicSegment(namespace);
  return {
    records: `${ns}.records`,
    deadLetters: `${ns}.dead-letters`,
    embeddings: (model) => `${ns}.embeddings.${topicSegment(model)}`,
    ledger: (model) => `${ns}.ledger.${topicSegment(model)}`,
    sourceLedger: (source) => `${ns}.ledger.source.${topicSegment(source)}`,
    importLedger: (name) => `${ns}.imports.${topicSegment(name)}`,
    shards: (sink) => `${ns}.shards.${topicSegment(sink)}`,
  };
}

/** Embeddings and ledgers: vectors and hashes, which compression can't make smaller. */
export function compactedTopic(name: string, partitions: number): TopicSpec {
  return { name, partitions, cleanup: 'compact', compression: 'none' };
}

/** Records and descriptors of shards: text, which shrinks. */
export function compressedTopic(name: string, partitions: number): TopicSpec {
  return { ...compactedTopic(name, partitions), compression: 'zstd' };
}

export function deadLetterTopic(name: string, partitions: number): TopicSpec {
  return { name, partitions, cleanup: 'delete', compression: 'zstd' };
}

/** What a topic of a namespace is there for. */
export type TopicKind =
  'records' | 'embeddings' | 'ledger' | 'source-ledger' | 'import-ledger' | 'shards' | 'dead-letters';

export interface TopicRole {
  readonly kind: TopicKind;
  /** The model, source, import or sink in its name; '' where there is none. */
  readonly of: string;
}

const ROLES: readonly (readonly [pattern: RegExp, kind: TopicKind])[] = [
  [/^records$/, 'records'],
  [/^dead-letters$/, 'dead-letters'],
  [/^embeddings\.(.+)$/, 'embeddings'],
  [/^ledger\.source\.(.+)$/, 'source-ledger'],
  [/^ledger\.(.+)$/, 'ledger'],
  [/^imports\.(.+)$/, 'import-ledger'],
  [/^shards\.(.+)$/, 'shards'],
];

/** undefined: it is no topic of this namespace, which may be the beginning of another one (museum, museum.eu). */
export function topicRole(namespace: string, topic: string): TopicRole | undefined {
  const prefix = `${topicSegment(namespace)}.`;
  if (!topic.startsWith(prefix)) return undefined;
  for (const [pattern, kind] of ROLES) {
    const match = pattern.exec(topic.slice(prefix.length));
    if (match !== null) return { kind, of: match[1] ?? '' };
  }
  return undefined;
}

/** The command that copies the namespace of a topic into others with so many partitions. */
export function repartitionCommand(topic: string, partitions: number): string {
  const namespace = namespaceOf(topic);
  const flag = namespace === undefined ? '' : ` --namespace=${namespace}`;
  return `embedstream topics repartition${flag} --partitions=${partitions} --into=NAMESPACE`;
}

/** The shortest before a name of ours. */
function namespaceOf(topic: string): string | undefined {
  for (let dot = topic.indexOf('.'); dot > 0; dot = topic.indexOf('.', dot + 1)) {
    const rest = topic.slice(dot + 1);
    if (ROLES.some(([pattern]) => pattern.test(rest))) return topic.slice(0, dot);
  }
  return undefined;
}

/** A topic as it is made. */
export function topicSpecOf(kind: TopicKind, name: string, partitions: number): TopicSpec {
  if (kind === 'dead-letters') return deadLetterTopic(name, partitions);
  return kind === 'records' || kind === 'shards' ? compressedTopic(name, partitions) : compactedTopic(name, partitions);
}
