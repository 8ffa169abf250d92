import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { DataType, type RecordBatch } from 'apache-arrow';
import { UsageError } from '../../errors.ts';
import { IdentityTable } from '../../ledger/identity-table.ts';
import { withFileFaults } from '../file-fault.ts';
import { DELETIONS_SUFFIX } from '../open-shard.ts';
import { type EmbeddingRow, RowReader } from './embedding-rows.ts';
import { openParquet, type ParquetShard } from './parquet-batches.ts';
import { readShardKeys, type ShardKey } from './read-parquet.ts';
import { shardFiles } from './shard-files.ts';

/** Payload word 2 of the identity table: the latest that is known of the id is its deletion. */
const DELETED = 1;

/** Where a row lies. */
export interface RowPlace {
  readonly path: string;
  readonly rowGroup: number;
  readonly row: number;
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
  readonly files: readonly string[];
  readonly #path: string;
  readonly #model: { readonly name: string; readonly dimension: number };

  /** @param path a folder of Parquet files, or one of them. Errors: UsageError where there is none. */
  static async open(
    path: string,
    model: { readonly name: string; readonly dimension: number },
  ): Promise<ParquetFolder> {
    return new ParquetFolder(path, await shardFiles(path, '.parquet'), model);
  }

  private constructor(
    path: string,
    files: readonly string[],
    model: { readonly name: string; readonly dimension: number },
  ) {
    this.#path = path;
    this.files = files;
    this.#model = model;
  }

  /**
   * The latest embedding of each id that is not deleted. Ids are read first, some 35 bytes of memory each, and then the
   * vectors, a row group at a time.
   * Errors: FILE_SINK_PARQUET_UNREADABLE, UsageError for files of another model or another program.
   */
  async *live(signal?: AbortSignal): AsyncGenerator<LiveVector, void, undefined> {
    const latest = await this.#latest(signal);
    for (const path of this.files) {
      const shard = await this.#open(path);
      try {
        for (let rowGroup = 0; rowGroup < shard.rowGroups; rowGroup++) {
          signal?.throwIfAborted();
          let first = 0;
          for (const batch of await shard.read(rowGroup, ['id', 'offset', 'fingerprint', 'vector'])) {
            yield* liveOf(batch, latest, { path, rowGroup, first });
            first += batch.numRows;
          }
        }
      } finally {
        shard.close();
      }
    }
  }

  /** Rows with their text and metadata, in the order of `places`; one row group in memory at a time. */
  async rows(places: readonly RowPlace[]): Promise<EmbeddingRow[]> {
    const rows: EmbeddingRow[] = [];
    for (const path of new Set(places.map((place) => place.path))) {
      const shard = await this.#open(path);
      try {
        const wanted = [...places.entries()].filter(([, place]) => place.path === path);
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
        shard.close();
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
    for (const path of this.files) {
      // That it is a sink's is told better by the footer than by a column that is missing.
      (await this.#open(path)).close();
      for await (const { rows, ids, idStarts, offsets } of readShardKeys(path)) {
        signal?.throwIfAborted();
        for (let i = 0; i < rows; i++) remember(ids.subarray(idStarts[i], idStarts[i + 1]), offsets[i] ?? 0, 0);
      }
    }
    for (const path of await this.#deletionFiles())
      for await (const { id, offset } of readDeletions(path)) remember(id, offset, DELETED);
    return latest;
  }

  async #deletionFiles(): Promise<string[]> {
    const [file] = this.files;
    // One file alone is asked for as it is.
    if (file === undefined || file === this.#path) return [];
    const folder = dirname(file);
    const names = await withFileFaults(`Listing ${folder}`, () => readdir(folder));
    return names
      .filter((name) => name.endsWith(DELETIONS_SUFFIX) && !name.startsWith('.'))
      .map((name) => join(folder, name));
  }

  async #open(path: string): Promise<ParquetShard> {
    const shard = await openParquet(path);
    const problem = this.#problemOf(shard);
    if (problem === undefined) return shard;
    shard.close();
    throw new UsageError(`${path} ${problem}.`);
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

function* liveOf(
  batch: RecordBatch,
  latest: IdentityTable,
  { path, rowGroup, first }: { readonly path: string; readonly rowGroup: number; readonly first: number },
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
  if (!isWhole) throw new UsageError(`${path} has not the columns that "sink parquet" writes.`);
  const dimension = vectors.type.listSize;
  const fingerprints = batch.getChild('fingerprint');
  for (let i = 0; i < batch.numRows; i++) {
    const id = bytes.subarray(starts[i], starts[i + 1]);
    const slot = latest.find(id);
    if (slot < 0 || latest.payload(slot, 2) === DELETED || latest.payloadNumber(slot) !== Number(offsets[i])) continue;
    yield {
      ...{ path, rowGroup, row: first + i, id },
      vector: values.subarray((vectors.offset + i) * dimension, (vectors.offset + i + 1) * dimension),
      fingerprint: String(fingerprints?.get(i)),
    };
  }
}

async function* readDeletions(path: string): AsyncGenerator<ShardKey, void, undefined> {
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity }))
    if (line !== '') yield JSON.parse(line) as ShardKey;
}
