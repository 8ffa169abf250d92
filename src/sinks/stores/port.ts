import type { PipelineError } from '../../errors.ts';
import type { Embedding, Metadata, ModelFingerprint, SourceRecord } from '../../record/types.ts';

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
  /**
   * What is wrong with a change as far as that can be told without asking the store; such a change becomes a dead letter
   * and is not handed over. Called for every change, also for those before `storedOffset`: a partition that has one must
   * find all its faults here, since after a crash nobody asks for those that `progress` reported and nobody committed.
   */
  check?(change: Change): PipelineError | undefined;
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
   * For stores that can't fence an owner who was frozen: rejects with LOG_FENCED when this process may no longer be the
   * partition's owner. To be awaited right before each request; it costs next to nothing while all is well.
   */
  readonly assertOwner: () => Promise<void>;
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

export interface StoreQuery {
  /** (D,), as the model embeds queries. */
  readonly vector: Float32Array;
  readonly limit: number;
  /** Only embeddings of this version of the model, or imported ones; where the store doesn't keep it: all of the model. */
  readonly fingerprint: ModelFingerprint;
  /** Look for these words too, and rank by both. */
  readonly words?: string;
  readonly signal?: AbortSignal;
}

export interface StoreMatch {
  readonly id: string;
  /** As `scorerOf` (src/models/similarity.ts) gives it, from the vector that is stored; of words, of both rankings. */
  readonly score: number;
  /** Left out where the store does not keep it. */
  readonly text?: string;
  readonly metadata?: Metadata;
}

/**
 * - `keep`: write on to what is there; what is not there is made.
 * - `rebuild`: begin from empty, beside what is there and serves until `complete` (where the store can do that), or in
 *   its place. What an earlier rebuild left unfinished is dropped, and so are stored offsets.
 * - `resume`: go on with a first filling or a rebuild that was begun, by an earlier process or by one beside this one, and
 *   is not known to be completed. Where nothing is left of it, or it was completed: as `keep`.
 */
export type BuildMode = 'keep' | 'rebuild' | 'resume';

/** An open output for one model. Any number of its partitions may be open at once. */
export interface Store {
  /** `records`: it also wants the records themselves (their present text and metadata, whatever is embedded). */
  readonly inputs: readonly ('embeddings' | 'records')[];
  /**
   * Makes ready what will be written to (index, table, dataset); called once, before any partition is opened.
   * Resolves with true when it has to be filled from the log's beginning, whatever was handed over before: what will be
   * written to holds nothing of this model, since it was made just now, or by a process that died then. `rebuild` always
   * does.
   */
  prepare(mode: BuildMode): Promise<boolean>;
  /**
   * For stores whose partitions have a `storedOffset`: sets it back to these offsets, by partition of the embeddings
   * topic, so that `replay --from` is handed everything from there on. Before any partition is opened.
   */
  rewind?(offsets: ReadonlyMap<number, number>): Promise<void>;
  openEmbeddings(context: StorePartitionContext): Promise<StorePartition<EmbeddingChange>>;
  /** There where `inputs` names records. */
  openRecords?(context: StorePartitionContext): Promise<StorePartition<RecordChange>>;
  /**
   * All that was on the log at the start is in: build indexes, swap aliases, optimise. At the end of every run that
   * reached it, also when nothing was new, and while following as soon as it has caught up: writes go on meanwhile.
   */
  complete(): Promise<void>;
  /** Everything of this model that the store has, in any order, for `reconcile`; bounded in memory. */
  contents(signal?: AbortSignal): AsyncIterable<readonly StoredEmbedding[]>;
  /**
   * Writes some changes outside of any partition, to what serves now, and waits for them: for `reconcile --repair`, while
   * nobody runs the sink. Bounded by the caller to some thousand changes and some MiB.
   */
  repair(changes: readonly EmbeddingChange[]): Promise<readonly StoreFault[]>;
  /** There where `inputs` names records: the same of the records whose embeddings were repaired, after those. */
  repairRecords?(changes: readonly RecordChange[]): Promise<readonly StoreFault[]>;
  /**
   * For stores that find near vectors: the best of what serves now, best first; nothing is prepared before. Undefined:
   * there is nothing of this model. Rejects with UsageError for a query that this store can't answer.
   */
  search?(query: StoreQuery): Promise<readonly StoreMatch[] | undefined>;
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
  /** Models that the same command fills anew side by side, this one among them. Left out: this one. */
  readonly together?: readonly string[] | undefined;
  /** Credentials are taken from here, and only from here. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /**
   * The command's options: from here only flags that change how it is reached and written, never where: TLS, batch
   * sizes, requests in flight, kind of index. `reconcile` has no more than the adapter's connection flags.
   */
  readonly options: StoreOptions;
  readonly onWarning: (message: string) => void;
  readonly clock: () => number;
  /** Ends the waiting for a server that is away; what is under way is finished. */
  readonly signal?: AbortSignal | undefined;
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
