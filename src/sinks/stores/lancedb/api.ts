import type { RecordBatch, Schema, Table as ArrowTable } from 'apache-arrow';

/** What is used of `@lancedb/lancedb`, which is no dependency of ours: who wants it installs it. */
export interface LanceDb {
  connect(
    uri: string,
    options: { readonly storageOptions?: Record<string, string>; readonly readConsistencyInterval: number },
  ): Promise<Connection>;
  readonly Index: {
    btree(): unknown;
    hnswSq(options: { readonly distanceType: DistanceType }): unknown;
    ivfPq(options: { readonly distanceType: DistanceType }): unknown;
  };
}

export type DistanceType = 'cosine' | 'dot' | 'l2';

export interface Connection {
  tableNames(): Promise<string[]>;
  openTable(name: string): Promise<LanceTable>;
  createEmptyTable(
    name: string,
    schema: Schema,
    options: { readonly mode: 'create' | 'overwrite' },
  ): Promise<LanceTable>;
  close(): void;
}

export interface LanceTable {
  schema(): Promise<Schema>;
  countRows(): Promise<number>;
  delete(where: string): Promise<unknown>;
  mergeInsert(on: string): MergeInsert;
  query(): { select(columns: readonly string[]): AsyncIterable<RecordBatch> };
  vectorSearch(vector: Float32Array): VectorQuery;
  optimize(): Promise<unknown>;
  listIndices(): Promise<readonly { readonly columns: readonly string[]; readonly indexType: string }[]>;
  createIndex(column: string, options: { readonly config: unknown }): Promise<void>;
  close(): void;
}

interface VectorQuery extends AsyncIterable<RecordBatch> {
  distanceType(type: DistanceType): VectorQuery;
  where(predicate: string): VectorQuery;
  refineFactor(factor: number): VectorQuery;
  ef(depth: number): VectorQuery;
  select(columns: readonly string[]): VectorQuery;
  limit(rows: number): VectorQuery;
}

interface MergeInsert {
  whenMatchedUpdateAll(options?: { readonly where: string }): MergeInsert;
  whenNotMatchedInsertAll(): MergeInsert;
  execute(rows: ArrowTable): Promise<unknown>;
}
