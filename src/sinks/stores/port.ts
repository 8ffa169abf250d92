import type { PipelineError } from '../../errors.ts';
import type { Embedding, SourceRecord } from '../../record/types.ts';

/**
 * The port of outputs that are not files: a search index, a table, a dataset. An adapter knows its store and nothing of
 * the log: it is handed changes in offset order and says up to where they are durable. What it reports is committed to
 * the log in one transaction with the dead letters of what the store refused; after a crash it is handed again what was
 * not committed, so writing a change twice must leave what writing it once leaves.
 *
 * Errors: every method rejects only for faults of the world (away, full, not authorised, a table of another shape), after
 * its own retries. What is wrong with one change is a `StoreFault`.
 */

/** A value of the embeddings topic: the id's present embedding, or null where it has none any more. */
export interface EmbeddingChange {
  readonly offset: number;
  readonly id: string;
  readonly embedding: Embedding | null;
}

/** A value of the records topic: the id's present record, or null where it was deleted. */
export interface RecordChange {
  readonly offset: number;
  readonly id: string;
  readonly record: SourceRecord | null;
}

/** A change that the store refuses for what is in it: it becomes a dead letter, and the rest goes on. */
export interface StoreFault {
  readonly offset: number;
  /** With `poison` set. */
  readonly error: PipelineError;
}

export interface StoreProgress {
  /** Next offset: every change before it is durable in the store or among the faults. Left out: nothing new. */
  readonly offset?: number;
  /** New since the last report; each is reported once, with an offset before `offset`. */
  readonly faults: readonly StoreFault[];
}

/** The work on one partition. Calls of one instance never overlap. */
export interface StorePartition<Change> {
  /**
   * What the store itself has for this partition, where it keeps the offset in the transaction of its rows: earlier
   * changes are not handed over, and reading begins here even when the log's group stands further on (a store that
   * was set back to a backup). Looked at once, after opening. Left out: the group's offset counts.
   */
  readonly storedOffset?: number;
  /** Takes changes in offset order; may keep requests in flight, and waits while too many bytes are. */
  write(changes: readonly Change[]): Promise<void>;
  /** What is durable by now; does not wait. */
  progress(): StoreProgress;
  /** Resolves when all that was taken is durable or faulty; `progress` then reports all of it. */
  flush(): Promise<void>;
  /** Releases everything; what is not durable is dropped. */
  close(): Promise<void>;
}

export interface StorePartitionContext {
  readonly partition: number;
  readonly signal: AbortSignal;
  /**
   * For stores that can't fence an owner who was frozen: throws LOG_FENCED when this process may no longer be the
   * partition's owner. To be called right before each request.
   */
  readonly assertOwner: () => void;
}

/** An id that is in the store with this model's embedding. */
export interface StoredEmbedding {
  readonly id: string;
  /** `createdAt` of the embedding that is there, in milliseconds since the epoch: the version of it. */
  readonly createdAt: number;
}

export interface StoreStats {
  /** Changes of embeddings written, deletions not among them. */
  readonly embeddings: number;
  readonly deletions: number;
  /** Sent to the store, as far as it is known. */
  readonly bytes: number;
}

/** An open output for one model. Any number of its partitions may be open at once. */
export interface Store {
  /** `records`: it also wants the records themselves (their present text and metadata, whatever is embedded). */
  readonly inputs: readonly ('embeddings' | 'records')[];
  /**
   * Makes ready what will be written to (index, table, dataset); called once, before any partition is opened.
   * `rebuild`: from empty, beside what is there and serves until `complete` (where the store can do that), or in its place.
   * Resolves with true when it now has to be filled from the log's beginning: it is new, or a rebuild is going on.
   */
  prepare(options: { readonly rebuild: boolean }): Promise<boolean>;
  openEmbeddings(context: StorePartitionContext): Promise<StorePartition<EmbeddingChange>>;
  /** There where `inputs` names records. */
  openRecords?(context: StorePartitionContext): Promise<StorePartition<RecordChange>>;
  /** All that was on the log at the start is in: build indexes, swap aliases, optimise. Also called when nothing was new. */
  complete(): Promise<void>;
  /** Everything of this model that the store has, in any order, for `reconcile`; bounded in memory. */
  contents(signal?: AbortSignal): AsyncIterable<readonly StoredEmbedding[]>;
  /** Writes some changes outside of any partition and waits for them, for `reconcile --repair`. */
  repair(changes: readonly EmbeddingChange[]): Promise<readonly StoreFault[]>;
  stats(): StoreStats;
  close(): Promise<void>;
}

export interface OpenStoreOptions {
  /** What `locate` answered, now or in an earlier run. */
  readonly location: string;
  readonly model: string;
  readonly dimension: number;
  readonly similarity: 'cosine' | 'dot' | 'euclidean';
  /** Of the sink, for names that the store has for itself. */
  readonly sinkName: string;
  /** Credentials are taken from here, and only from here. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Flags that change how it is written, never where: batch sizes, requests in flight, kind of index. */
  readonly options: StoreOptions;
  readonly onWarning: (message: string) => void;
  readonly clock: () => number;
}

/** The command's options; each adapter reads those of its own definitions. */
export type StoreOptions = Readonly<Record<string, unknown>>;

/** A kind of store; one folder each under `src/sinks/stores/`, chosen by the registry in `adapters.ts`. */
export interface StoreAdapter {
  /** As given to `sink`: `elasticsearch`, `pgvector`, `lancedb`. */
  readonly name: string;
  /**
   * Where the output is, as one line without any secret that `open` understands again in another process and another
   * year: `https://host:9200/products`, `postgres://host:5432/db?table=product_embeddings`, `/srv/lance/products`.
   * It decides the sink's name and is written to the log. Throws UsageError for flags that don't fit.
   */
  locate(options: StoreOptions, environment: Readonly<Record<string, string | undefined>>, model: string): string;
  open(options: OpenStoreOptions): Promise<Store>;
}
