import type { LogRecord } from '../../log/port.ts';
import { lettersOf } from '../../sinks/dead-letters.ts';
import type { EmbeddingChange, RecordChange, Store, StoreFault } from '../../sinks/stores/port.ts';
import { sinkGroup } from '../../sinks/stores/store-names.ts';
import { findTopic } from '../topic-reading.ts';
import { FlagColumn, type VersionColumns } from './columns.ts';
import type { ReconcileContext } from './context.ts';
import type { Verdict } from './verdict.ts';

interface Repair extends ReconcileContext {
  /** The sink's name, and the embeddings topic that it reads. */
  readonly target: { readonly name: string; readonly topic: string };
  readonly store: Store;
  readonly versions: VersionColumns;
}

const REPAIR_CHANGES = 500;
const REPAIR_BYTES = 4 * 1024 * 1024;

/** Writes what is missing or stale as it is on the log, with its records, and deletes what is not on it. */
export async function repairStore(repair: Repair, judge: (index: number) => Verdict): Promise<void> {
  const { codec, ids, store, target, versions, signal } = repair;
  const written = new FlagColumn(ids.expected);
  const embeddings: Rewriting<EmbeddingChange> = {
    topic: target.topic,
    write: (changes) => store.repair(changes),
    change({ key, value, offset }, partition) {
      if (key === null || value === null) return undefined;
      const index = ids.find(key);
      const latest = versions.place(index);
      if (latest?.partition !== partition || latest.offset !== offset) return undefined;
      if (!['sink-missing', 'sink-stale'].includes(judge(index))) return undefined;
      written.set(index, true);
      return { offset, id: Buffer.from(key).toString(), embedding: codec.decodeEmbedding(value) };
    },
  };
  await rewrite(repair, embeddings);
  if (store.repairRecords !== undefined) {
    const write = store.repairRecords.bind(store);
    await rewrite(repair, {
      topic: repair.topics.records,
      write,
      change({ key, value, offset }): RecordChange | undefined {
        // The versions of a record come in their order: the last is what stays.
        if (key === null || !written.has(ids.find(key))) return undefined;
        return { offset, id: Buffer.from(key).toString(), record: value && codec.decodeSourceRecord(value) };
      },
    });
  }
  // No offset of these is looked at: a deletion is refused by no store.
  const orphans = new RepairBatch(repair, embeddings, 0);
  for await (const found of store.contents(signal))
    for (const { id } of found)
      if (judge(ids.find(Buffer.from(id))) === 'sink-orphan') await orphans.add({ offset: 0, id, embedding: null }, 0);
  await orphans.write();
}

/** A topic of which some changes are written to a store again. */
interface Rewriting<Change> {
  readonly topic: string;
  /** Undefined: it is left as it is. */
  change(record: LogRecord, partition: number): Change | undefined;
  readonly write: (changes: readonly Change[]) => Promise<readonly StoreFault[]>;
}

async function rewrite<Change>(repair: Repair, rewriting: Rewriting<Change>): Promise<void> {
  const { log, signal } = repair;
  const info = await findTopic(log, rewriting.topic);
  for (const { partition, startOffset, endOffset } of info?.partitionInfo ?? []) {
    const batch = new RepairBatch(repair, rewriting, partition);
    const options = signal && { signal };
    for await (const { records } of log.read(rewriting.topic, partition, startOffset, endOffset, options))
      for (const record of records) {
        const change = rewriting.change(record, partition);
        if (change !== undefined) await batch.add(change, record.value?.length ?? 0);
      }
    signal?.throwIfAborted();
    await batch.write();
  }
}

/** Changes of one partition on their way to a store; what it refuses becomes a dead letter. */
class RepairBatch<Change> {
  readonly #repair: Repair;
  readonly #rewriting: Pick<Rewriting<Change>, 'topic' | 'write'>;
  readonly #partition: number;
  #changes: Change[] = [];
  #bytes = 0;

  constructor(repair: Repair, rewriting: Pick<Rewriting<Change>, 'topic' | 'write'>, partition: number) {
    this.#repair = repair;
    this.#rewriting = rewriting;
    this.#partition = partition;
  }

  async add(change: Change, bytes: number): Promise<void> {
    this.#changes.push(change);
    this.#bytes += bytes;
    if (this.#changes.length >= REPAIR_CHANGES || this.#bytes >= REPAIR_BYTES) await this.write();
  }

  async write(): Promise<void> {
    if (this.#changes.length === 0) return;
    const { topic, write } = this.#rewriting;
    const faults = await write(this.#changes);
    this.#changes = [];
    this.#bytes = 0;
    if (faults.length === 0) return;
    const { log, topics, target } = this.#repair;
    const group = sinkGroup(topics, target.name);
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
