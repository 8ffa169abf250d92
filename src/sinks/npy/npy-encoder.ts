import { encodeFloat16 } from './float16.ts';
import { encodeNpyHeader, type NpyDescr } from './npy-header.ts';
import { EmbeddingScanner } from '../../codec/embedding-scanner.ts';
import { ParquetEncoder } from '../parquet/parquet-encoder.ts';
import type { FinishedShard, ShardOptions, ShardRows, StagedFile } from '../port.ts';
import { scanRow } from '../scan-row.ts';
import type { ShardEncoder, VectorDtype } from '../shard-encoder.ts';
import { StagedFileWriter } from '../staged-file.ts';

const CHUNK_BYTES = 1 << 20;

/** `<shard>.npy` with (N, D) vectors and, row for row, `<shard>.metadata.parquet` with everything else. */
export class NpyEncoder implements ShardEncoder {
  readonly #scanner = new EmbeddingScanner();
  readonly #dimension: number;
  readonly #vectors: NpyVectors;
  readonly #metadata: ParquetEncoder;

  constructor(options: ShardOptions & { readonly dtype: VectorDtype }) {
    this.#dimension = options.dimension;
    this.#vectors = new NpyVectors(options);
    this.#metadata = new ParquetEncoder({ ...options, vectors: false, suffix: '.metadata.parquet' });
  }

  write(rows: ShardRows): void {
    for (let i = 0; i < rows.offsets.length; i++) {
      scanRow(this.#scanner, rows, i, this.#dimension);
      this.#vectors.take(this.#scanner);
      this.#metadata.take(this.#scanner, rows.offsets[i] ?? -1);
    }
  }

  finish(shardName: string): FinishedShard {
    const { files, fingerprints } = this.#metadata.finish(shardName);
    return { files: [...files, this.#vectors.finish(shardName)], fingerprints };
  }

  abort(): void {
    this.#vectors.abort();
    this.#metadata.abort();
  }
}

/** The vectors of one `.npy` file. */
export class NpyVectors {
  readonly #file: StagedFileWriter;
  readonly #descr: NpyDescr;
  readonly #dimension: number;
  readonly #expectedRows: number;
  readonly #rowBytes: number;
  /** (rows, D) as they go to the file. */
  readonly #chunk: Uint8Array;
  readonly #halves: Uint16Array;
  /** One (D,) float32 row, as bytes and as bits. */
  readonly #row: Uint8Array;
  readonly #rowBits: Uint32Array;
  #used = 0;
  #rows = 0;

  constructor(options: ShardOptions & { readonly dtype: VectorDtype }) {
    const half = options.dtype === 'fp16';
    this.#descr = half ? '<f2' : '<f4';
    this.#dimension = options.dimension;
    this.#expectedRows = options.expectedRows ?? 0;
    this.#rowBytes = options.dimension * (half ? 2 : 4);
    this.#chunk = new Uint8Array(Math.max(1, Math.floor(CHUNK_BYTES / this.#rowBytes)) * this.#rowBytes);
    this.#halves = new Uint16Array(this.#chunk.buffer, 0, half ? this.#chunk.length / 2 : 0);
    this.#rowBits = new Uint32Array(options.dimension);
    this.#row = new Uint8Array(this.#rowBits.buffer);
    this.#file = new StagedFileWriter(options.stagingFolder);
    // Most shards are full, so that the checksum may begin with the header of a full one.
    this.#file.write(this.#header(this.#expectedRows));
  }

  take(scanner: EmbeddingScanner): void {
    if (this.#descr === '<f4') scanner.copyVector(this.#chunk, this.#used);
    else {
      scanner.copyVector(this.#row, 0);
      encodeFloat16(this.#rowBits, this.#halves, this.#used / 2);
    }
    this.#used += this.#rowBytes;
    this.#rows++;
    if (this.#used === this.#chunk.length) this.#flush();
  }

  finish(shardName: string): StagedFile {
    this.#flush();
    if (this.#rows !== this.#expectedRows) this.#file.rewriteHead(this.#header(this.#rows));
    return this.#file.finish(`${shardName}.npy`);
  }

  abort(): void {
    this.#file.abort();
  }

  #header(rows: number): Uint8Array {
    return encodeNpyHeader(this.#descr, rows, this.#dimension);
  }

  #flush(): void {
    this.#file.write(this.#chunk.subarray(0, this.#used));
    this.#used = 0;
  }
}
