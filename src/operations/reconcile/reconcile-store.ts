import type { Store } from '../../sinks/stores/port.ts';
import { sinkGroup } from '../../sinks/stores/store-names.ts';
import { ShardCatalog } from '../../sinks/shard-catalog.ts';
import { letterOf } from '../dead-letters/letter.ts';
import { readTopic } from '../topic-reading.ts';
import { FlagColumn, TimeColumn, type VersionColumns } from './columns.ts';
import type { ReconcileContext } from './context.ts';
import { Differences } from './differences.ts';
import { keysOfTopic, nameDifferences } from './name-differences.ts';
import type { SinkReconciliation } from './reconcile-sink.ts';
import { repairStore } from './repair-store.ts';
import type { Verdict } from './verdict.ts';

/** An output that is no files, as the log knows it. */
export interface StoreToReconcile {
  readonly name: string;
  /** Name of the adapter. */
  readonly adapter: string;
  readonly model: string;
  readonly dimension: number;
  /** The embeddings topic that it reads. */
  readonly topic: string;
  readonly location: string;
}

/** What the log has of each id: places and times of the latest embeddings. */
export interface EmbeddingVersions {
  readonly versions: VersionColumns;
  readonly createdAt: TimeColumn;
}

/** undefined: the sink writes files, or nothing yet. */
export async function storeToReconcile(
  { log, codec, topics }: Pick<ReconcileContext, 'log' | 'codec' | 'topics'>,
  name: string,
): Promise<StoreToReconcile | undefined> {
  const catalog = new ShardCatalog(log, codec, topics.shards(name));
  await catalog.refresh();
  const { target } = catalog;
  if (target === undefined) return undefined;
  const { format: adapter, model, dimension, topic, location } = target;
  return { name, adapter, model, dimension, topic, location };
}

/**
 * A store holds exactly the live embeddings, told by id and `createdAt`, but for those that it has refused. With `repair`
 * what differs is written to it or deleted from it, and then counted again; nobody else may write to it meanwhile.
 */
export async function reconcileStore(
  context: ReconcileContext,
  target: StoreToReconcile,
  store: Store,
  columns: EmbeddingVersions,
  { repair = false } = {},
): Promise<SinkReconciliation> {
  const first = await compare(context, target, store, columns);
  if (!repair || first.differences.total === 0) return first;
  const stored = await readStored(context, store, new Differences());
  const refused = await readRefused(context, target, columns.versions);
  await repairStore({ ...context, target, store, versions: columns.versions }, (index) =>
    judge(index, columns, stored, refused),
  );
  return compare(context, target, store, columns);
}

/** What is in the store, by the number of the id. */
async function readStored(
  { ids, signal }: ReconcileContext,
  store: Store,
  differences: Differences,
): Promise<TimeColumn> {
  const stored = new TimeColumn(ids.expected);
  for await (const batch of store.contents(signal)) {
    signal?.throwIfAborted();
    for (const { id, createdAt } of batch) {
      const index = ids.add(Buffer.from(id));
      if (!Number.isNaN(stored.get(index))) differences.addNumbered('sink-twice', index);
      stored.set(index, createdAt);
    }
  }
  return stored;
}

function judge(
  index: number,
  { versions, createdAt }: EmbeddingVersions,
  stored: TimeColumn,
  refused: FlagColumn,
): Verdict {
  const isStored = !Number.isNaN(stored.get(index));
  if (!versions.isLive(index)) return isStored ? 'sink-orphan' : 'absent';
  if (isStored && stored.get(index) === createdAt.get(index)) return 'live';
  if (refused.has(index)) return 'refused';
  return isStored ? 'sink-stale' : 'sink-missing';
}

async function compare(
  context: ReconcileContext,
  target: StoreToReconcile,
  store: Store,
  columns: EmbeddingVersions,
): Promise<SinkReconciliation> {
  const { log, ids, signal } = context;
  const { name, model, location, topic } = target;
  const differences = new Differences();
  const stored = await readStored(context, store, differences);
  const refused = await readRefused(context, target, columns.versions);
  const counts = { live: 0, deadLettered: 0 };
  for (let index = 0; index < ids.size; index++) {
    const verdict = judge(index, columns, stored, refused);
    if (verdict === 'live') counts.live++;
    else if (verdict === 'refused') counts.deadLettered++;
    else if (verdict !== 'absent') differences.addNumbered(verdict, index);
  }
  await nameDifferences(differences, ['sink-missing', 'sink-stale'], ids, () => keysOfTopic(log, topic, signal));
  await nameDifferences(differences, ['sink-twice', 'sink-orphan'], ids, () => keysOfStore(store, signal));
  return { sink: name, model, location, ...counts, differences };
}

async function* keysOfStore(store: Store, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array[]> {
  for await (const batch of store.contents(signal)) yield batch.map(({ id }) => Buffer.from(id));
}

/** Ids whose latest embedding has a dead letter of this sink. */
async function readRefused(
  { log, topics, ids, signal }: ReconcileContext,
  { name, topic }: StoreToReconcile,
  versions: VersionColumns,
): Promise<FlagColumn> {
  const refused = new FlagColumn(ids.expected);
  const group = sinkGroup(topics, name);
  for await (const records of readTopic(log, topics.deadLetters, signal))
    for (const record of records) {
      const { connector, origin, key } = letterOf(record, 0, group);
      if (connector !== group || origin?.topic !== topic || key === null) continue;
      const index = ids.find(key);
      const latest = index < 0 ? undefined : versions.place(index);
      if (latest?.partition === origin.partition && latest.offset === origin.offset) refused.set(index, true);
    }
  return refused;
}
