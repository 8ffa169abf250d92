import type { RecordBatch, Vector } from 'apache-arrow';
import type { FileMetadata } from '../parquet/embedding-columns.ts';
import { OTHER_COLUMN } from '../parquet/metadata-columns.ts';
import type { Metadata, MetadataValue } from '../../record/types.ts';

/** A row of a shard. What a file of another origin lacks is left out. */
export interface EmbeddingRow {
  readonly id: string;
  /** (D,) float32, a copy of its own. */
  readonly vector: Float32Array;
  readonly contentHash?: string;
  readonly fingerprint?: string;
  readonly tokenCount?: number;
  readonly truncated?: boolean;
  /** Milliseconds since the epoch. */
  readonly createdAt?: number;
  /** Of the record in the embeddings topic: of two rows with one id, the later one wins. */
  readonly offset?: number;
  readonly text?: string;
  /** Keys whose value is null in the file are left out. */
  readonly metadata: Metadata;
}

const OPTIONAL_COLUMNS = ['contentHash', 'fingerprint', 'tokenCount', 'truncated', 'createdAt', 'offset', 'text'];
const OWN_COLUMNS = new Set(['id', 'vector', ...OPTIONAL_COLUMNS, OTHER_COLUMN]);

/** Row `i` of a batch; its vector comes from the batch's own column or, for npy, from elsewhere. */
export class RowReader {
  readonly #columns: ReadonlyMap<string, Vector>;
  readonly #metadata: readonly (readonly [key: string, column: Vector])[];
  readonly #other: Vector | undefined;

  constructor(batch: RecordBatch, file: FileMetadata | undefined) {
    const columns = new Map<string, Vector>();
    for (const { name } of batch.schema.fields) {
      const column = batch.getChild(name);
      if (column !== null) columns.set(name, column);
    }
    this.#columns = columns;
    const names = file?.metadata.map(({ key, column }) => [key, column] as const);
    const plan =
      names ?? [...columns.keys()].filter((name) => !OWN_COLUMNS.has(name)).map((name) => [name, name] as const);
    this.#metadata = plan.flatMap(([key, name]) => {
      const column = columns.get(name);
      return column === undefined ? [] : [[key, column] as const];
    });
    this.#other = columns.get(OTHER_COLUMN);
  }

  row(i: number, vector: Float32Array): EmbeddingRow {
    const row: Record<string, unknown> = { id: this.#value('id', i), vector };
    for (const name of OPTIONAL_COLUMNS) {
      const value = this.#value(name, i);
      if (value !== undefined) row[name] = typeof value === 'bigint' ? Number(value) : value;
    }
    return { ...row, metadata: this.#metadataOf(i) } as EmbeddingRow;
  }

  #value(name: string, i: number): unknown {
    return (this.#columns.get(name)?.get(i) as unknown) ?? undefined;
  }

  #metadataOf(i: number): Metadata {
    const metadata = new Map<string, MetadataValue>();
    for (const [key, column] of this.#metadata) {
      const value = column.get(i) as MetadataValue;
      if (value !== null) metadata.set(key, narrow(value));
    }
    const other = (this.#other?.get(i) as string | null | undefined) ?? '{}';
    for (const [key, value] of Object.entries(JSON.parse(other) as Record<string, MetadataValue>))
      metadata.set(key, value);
    return metadata;
  }
}

/** int64 columns come as bigint. */
function narrow(value: MetadataValue): MetadataValue {
  if (typeof value !== 'bigint') return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
