import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { DataType, type RecordBatch } from 'apache-arrow';
import { fatalError, UsageError } from '../../errors.ts';
import { IdentityTable } from '../../ledger/identity-table.ts';
import { DELETIONS_SUFFIX } from '../open-shard.ts';
import type { LocalFile, ShardReader } from '../shard-store.ts';
import { type EmbeddingRow, RowReader } from './embedding-rows.ts';
import { openParquet, type ParquetShard } from './parquet-batches.ts';
import { readShardKeys, type ShardKey } from './read-parquet.ts';
import { METADATA_SUFFIX } from './shard-files.ts';

/** Payload word 2 of the identity table: the latest that is known of the id is its deletion. */
const DELETED = 1;

/** Where a row lies. */
export interface RowPlace {
  /** Its name. */
  readonly file: string;
  readonly rowGroup: number;
  readonly row: number;
}

export interface ParquetModel {
  readonly name: string;
  readonly dimension: number;
}

export interface LiveVector extends RowPlace {
  /** UTF-8, a view of what the next row may overwrite. */
  readonly id: Uint8Array;
  /** (D,) float32, a view likewise. */
  readonly vector: Float32Array;
  /** Hex. */
  readonly fingerprint: string;
}

/** The Parquet files of a sink, or of a snapshot of it, for one model: an append log, of which the latest of each id counts. */
export class ParquetFolder {
  readonly #reader: ShardReader;
  /** Names of the Parquet files, and of all files that count. */
  readonly #files: readonly string[];
  readonly #deletions: readonly string[];
  readonly #model: ParquetModel;

  /**
   * @param names of the files that count, of what the reader lists.
   * @param reader closed by the caller.
   */
  constructor(reader: ShardReader, names: readonly string[], model: ParquetModel) {
    this.#reader = reader;
    this.#files = parquetNames(names);
    this.#deletions = names.filter((name) => name.endsWith(DELETIONS_SUFFIX) && !name.startsWith('.'));
    this.#model = model;
  }

  /**
   * The latest embedding of each id that is not deleted. Ids are read first, some 35 bytes of memory each, and then the
   * vectors, a row group at a time.
   * Errors: FILE_SINK_PARQUET_UNREADABLE, UsageError for files of another model or another program.
   */
  async *live(signal?: AbortSignal): AsyncGenerator<LiveVector, void, undefined> {
    const latest = await this.#latest(signal);
    for (const file of this.#files) {
      const shard = await this.#open(file);
      try {
        for (let rowGroup = 0; rowGroup < shard.rowGroups; rowGroup++) {
          signal?.throwIfAborted();
          let first = 0;
          for (const batch of await shard.read(rowGroup, ['id', 'offset', 'fingerprint', 'vector'])) {
            yield* liveOf(batch, latest, { file, rowGroup, first });
            first += batch.numRows;
          }
        }
      } finally {
        await shard.close();
      }
    }
  }

  /** Rows with their text and metadata, in the order of `places`; one row group in memory at a time. */
  async rows(places: readonly RowPlace[]): Promise<EmbeddingRow[]> {
    const rows: EmbeddingRow[] = [];
    for (const file of new Set(places.map((place) => place.file))) {
      const shard = await this.#open(file);
      try {
        const wanted = [...places.entries()].filter(([, place]) => place.file === file);
        for (const rowGroup of new Set(wanted.map(([, place]) => place.rowGroup))) {
          let first = 0;
          for (const batch of await shard.read(rowGroup)) {
            const reader = new RowReader(batch, shard.metadata);
            for (const [i, place] of wanted)
              if (place.rowGroup === rowGroup && place.row >= first && place.row < first + batch.numRows)
                rows[i] = reader.row(place.row - first, new Float32Array(0));
            first += batch.numRows;
          }
        }
      } finally {
        await shard.close();
      }
    }
    return rows;
  }

  async #latest(signal: AbortSignal | undefined): Promise<IdentityTable> {
    const latest = new IdentityTable();
    const remember = (id: string | Uint8Array, offset: number, state: number): void => {
      const before = latest.size;
      const slot = latest.upsert(id);
      if (latest.size === before && latest.payloadNumber(slot) > offset) return;
      latest.setPayloadNumber(slot, offset);
      latest.setPayload(slot, 2, state);
    };
    for (const file of this.#files) {
      // That it is a sink's is told better by the footer than by a column that is missing.
      const shard = await this.#open(file);
      try {
        for await (const { rows, ids, idStarts, offsets } of readShardKeys(shard.path)) {
          signal?.throwIfAborted();
          for (let i = 0; i < rows; i++) remember(ids.subarray(idStarts[i], idStarts[i + 1]), offsets[i] ?? 0, 0);
        }
      } finally {
        await shard.close();
      }
    }
    for (const name of this.#deletions) {
      const file = await this.#local(name);
      try {
        for await (const { id, offset } of readDeletions(file.path)) remember(id, offset, DELETED);
      } finally {
        await file.release();
      }
    }
    return latest;
  }

  async #local(name: string): Promise<LocalFile> {
    const file = await this.#reader.open(name);
    if (file !== undefined) return file;
    throw fatalError(
      'SEARCH_FILES_CHANGED',
      `${this.#reader.location}/${name} has gone meanwhile: run the search again.`,
    );
  }

  async #open(name: string): Promise<Omit<ParquetShard, 'close'> & { close(): Promise<void> }> {
    const file = await this.#local(name);
    try {
      const shard = await openParquet(file.path);
      const close = async (): Promise<void> => {
        shard.close();
        await file.release();
      };
      const problem = this.#problemOf(shard);
      if (problem === undefined) return { ...shard, close };
      shard.close();
      throw new UsageError(`${this.#reader.location}/${name} ${problem}.`);
    } catch (error) {
      await file.release();
      throw error;
    }
  }

  #problemOf({ metadata }: ParquetShard): string | undefined {
    const { name, dimension } = this.#model;
    if (metadata === undefined)
      return `is not written by "sink parquet": bring it onto a log by "import", which any backend then searches`;
    if (metadata.model !== name) return `holds embeddings of ${metadata.model}, not of ${name}: say --model or --out`;
    if (metadata.dimension !== dimension)
      return `holds vectors of ${metadata.dimension} numbers, and those of ${name} have ${dimension}`;
    return undefined;
  }
}

/** Shards of a partition in offset order. */
export function parquetNames(names: readonly string[]): string[] {
  const isShard = (name: string): boolean =>
    name.endsWith('.parquet') && !name.endsWith(METADATA_SUFFIX) && !name.startsWith('.');
  return names.filter(isShard).sort();
}

function* liveOf(
  batch: RecordBatch,
  latest: IdentityTable,
  { file, rowGroup, first }: { readonly file: string; readonly rowGroup: number; readonly first: number },
): Generator<LiveVector, void, undefined> {
  const ids = batch.getChild('id')?.data[0];
  const vectors = batch.getChild('vector')?.data[0];
  const values: unknown = vectors?.children[0]?.values;
  const bytes: unknown = ids?.values;
  const starts: unknown = ids?.valueOffsets;
  const offsets: unknown = batch.getChild('offset')?.data[0]?.values;
  const isWhole =
    vectors !== undefined &&
    DataType.isFixedSizeList(vectors.type) &&
    values instanceof Float32Array &&
    bytes instanceof Uint8Array &&
    starts instanceof Int32Array &&
    offsets instanceof BigInt64Array;
  if (!isWhole) throw new UsageError(`${file} has not the columns that "sink parquet" writes.`);
  const dimension = vectors.type.listSize;
  const fingerprints = batch.getChild('fingerprint');
  for (let i = 0; i < batch.numRows; i++) {
    const id = bytes.subarray(starts[i], starts[i + 1]);
    const slot = latest.find(id);
    if (slot < 0 || latest.payload(slot, 2) === DELETED || latest.payloadNumber(slot) !== Number(offsets[i])) continue;
    yield {
      ...{ file, rowGroup, row: first + i, id },
      vector: values.subarray((vectors.offset + i) * dimension, (vectors.offset + i + 1) * dimension),
      fingerprint: String(fingerprints?.get(i)),
    };
  }
}

async function* readDeletions(path: string): AsyncGenerator<ShardKey, void, undefined> {
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity }))
    if (line !== '') yield JSON.parse(line) as ShardKey;
}
