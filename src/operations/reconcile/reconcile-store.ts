import { lettersOf } from '../../sinks/dead-letters.ts';
import type { EmbeddingChange, Store } from '../../sinks/stores/port.ts';
import { sinkGroup } from '../../sinks/stores/store-names.ts';
import { ShardCatalog } from '../../sinks/shard-catalog.ts';
import { letterOf } from '../dead-letters/letter.ts';
import { readTopic } from '../topic-reading.ts';
import { FlagColumn, TimeColumn, type VersionColumns } from './columns.ts';
import type { ReconcileContext } from './context.ts';
import { Differences } from './differences.ts';
import { keysOfTopic, nameDifferences } from './name-differences.ts';
import type { SinkReconciliation } from './reconcile-sink.ts';

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

const REPAIR_CHANGES = 500;
const REPAIR_BYTES = 4 * 1024 * 1024;
const ROUGH_BYTES_OF_A_NUMBER = 4;

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
  await repairStore(context, target, store, columns);
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

type Verdict = 'live' | 'refused' | 'sink-missing' | 'sink-stale' | 'sink-orphan' | 'absent';

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

/** Writes what is missing or stale as it is on the log, and deletes what is not on it. */
async function repairStore(
  context: ReconcileContext,
  target: StoreToReconcile,
  store: Store,
  columns: EmbeddingVersions,
): Promise<void> {
  const { log, codec, ids, signal } = context;
  const stored = await readStored(context, store, new Differences());
  const refused = await readRefused(context, target, columns.versions);
  const info = (await log.topics()).find(({ name }) => name === target.topic);
  for (const { partition, startOffset, endOffset } of info?.partitionInfo ?? []) {
    const batch = new RepairBatch(context, target, store, partition);
    for await (const { records } of log.read(target.topic, partition, startOffset, endOffset, signal && { signal }))
      for (const { key, value, offset } of records) {
        if (key === null || value === null) continue;
        const index = ids.find(key);
        const latest = columns.versions.place(index);
        if (latest?.partition !== partition || latest.offset !== offset) continue;
        const verdict = judge(index, columns, stored, refused);
        if (verdict !== 'sink-missing' && verdict !== 'sink-stale') continue;
        const embedding = codec.decodeEmbedding(value);
        await batch.add({ offset, id: Buffer.from(key).toString(), embedding });
      }
    signal?.throwIfAborted();
    await batch.write();
  }
  // No offset of these is looked at: a deletion is refused by no store.
  const orphans = new RepairBatch(context, target, store, 0);
  for await (const found of store.contents(signal))
    for (const { id } of found)
      if (judge(ids.find(Buffer.from(id)), columns, stored, refused) === 'sink-orphan')
        await orphans.add({ offset: 0, id, embedding: null });
  await orphans.write();
}

/** Changes of one partition on their way to a store; what it refuses becomes a dead letter. */
class RepairBatch {
  readonly #context: ReconcileContext;
  readonly #target: StoreToReconcile;
  readonly #store: Store;
  readonly #partition: number;
  #changes: EmbeddingChange[] = [];
  #bytes = 0;

  constructor(context: ReconcileContext, target: StoreToReconcile, store: Store, partition: number) {
    this.#context = context;
    this.#target = target;
    this.#store = store;
    this.#partition = partition;
  }

  async add(change: EmbeddingChange): Promise<void> {
    this.#changes.push(change);
    this.#bytes += (change.embedding?.dimension ?? 0) * ROUGH_BYTES_OF_A_NUMBER + (change.embedding?.text?.length ?? 0);
    if (this.#changes.length >= REPAIR_CHANGES || this.#bytes >= REPAIR_BYTES) await this.write();
  }

  async write(): Promise<void> {
    if (this.#changes.length === 0) return;
    const faults = await this.#store.repair(this.#changes);
    this.#changes = [];
    this.#bytes = 0;
    if (faults.length === 0) return;
    const { log, topics } = this.#context;
    const { name, topic } = this.#target;
    const group = sinkGroup(topics, name);
    const origin = { log, group, topic, partition: this.#partition, deadLetters: topics.deadLetters };
    const letters = await lettersOf(
      faults.toSorted((a, b) => a.offset - b.offset),
      origin,
    );
    const producer = await log.producer(`${group}.repair`);
    try {
      await producer.append(letters);
    } finally {
      await producer.close();
    }
  }
}
