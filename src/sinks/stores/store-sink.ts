import type { Codec } from '../../codec/port.ts';
import { poisonError } from '../../errors.ts';
import type { Log, LogRecord, PartitionContext, PartitionTask, Task } from '../../log/port.ts';
import type { TopicNames } from '../../log/topics.ts';
import type { OnDeadLetter } from '../../record/dead-letter.ts';
import type { EmbeddingChange, RecordChange, Store, StoreStats } from './port.ts';
import type { RefusedCounts } from '../dead-letters.ts';
import { StorePartitionTask, type StorePartitionOptions } from './store-partition.ts';

export interface StoreSinkOptions {
  readonly store: Store;
  readonly group: string;
  readonly log: Pick<Log, 'read'>;
  readonly codec: Pick<Codec, 'decodeEmbedding' | 'decodeSourceRecord'>;
  readonly topics: TopicNames;
  readonly model: string;
  readonly dimension: number;
  readonly lingerMs?: number | undefined;
  /** Milliseconds from any beginning. */
  readonly nowMs?: () => number;
  readonly onDeadLetter?: OnDeadLetter | undefined;
}

export type StoreSinkStats = StoreStats & Readonly<RefusedCounts>;

export interface StoreSink extends Task {
  stats(): StoreSinkStats;
}

/** The topics that a store reads. */
export function storeInputs({ inputs }: Pick<Store, 'inputs'>, topics: TopicNames, model: string): string[] {
  return inputs.map((input) => (input === 'records' ? topics.records : topics.embeddings(model)));
}

/** The task of a store, which is prepared: what it reports as durable is committed, with a dead letter for each refusal. */
export function createStoreSink(options: StoreSinkOptions): StoreSink {
  const { store, codec, topics, model, dimension, group } = options;
  const counts: RefusedCounts = { deadLettered: 0, deadLettersByReason: {} };

  async function open(context: PartitionContext): Promise<PartitionTask> {
    const { topic, partition, offset, signal, assertOwner } = context;
    const { log, lingerMs, nowMs = () => performance.now(), onDeadLetter } = options;
    const place = { partition, signal, assertOwner };
    const letters = { log, group, topic, partition, deadLetters: topics.deadLetters, onDeadLetter };
    const common = { offset, letters, counts, lingerMs, nowMs } satisfies Partial<StorePartitionOptions<never>>;
    if (topic === topics.records && store.openRecords !== undefined) {
      const records = await store.openRecords(place);
      return new StorePartitionTask({ ...common, partition: records, decode: recordChange });
    }
    const embeddings = await store.openEmbeddings(place);
    return new StorePartitionTask({ ...common, partition: embeddings, decode: embeddingChange });
  }

  function recordChange(record: LogRecord): RecordChange {
    const { offset, value } = record;
    return { offset, id: idOf(record), record: value && codec.decodeSourceRecord(value) };
  }

  function embeddingChange(record: LogRecord): EmbeddingChange {
    const id = idOf(record);
    const embedding = record.value && codec.decodeEmbedding(record.value);
    if (embedding !== null && embedding.dimension !== dimension)
      throw poisonError(
        'STORE_DIMENSION',
        `The embedding of "${id}" has ${embedding.dimension} numbers, those of ${model} have ${dimension}.`,
      );
    return { offset: record.offset, id, embedding };
  }

  return {
    group,
    inputs: storeInputs(store, topics, model),
    open,
    stats: () => ({ ...store.stats(), ...counts }),
  };
}

function idOf({ key, offset }: LogRecord): string {
  if (key === null)
    throw poisonError('STORE_NO_KEY', `The record at offset ${offset} has no key, so nothing to be stored by.`);
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString();
}
