import { open, type FileHandle } from 'node:fs/promises';
import { RowReader, type EmbeddingRow } from './embedding-rows.ts';
import { openParquet } from './parquet-batches.ts';
import { metadataPathOf, shardFiles } from './shard-files.ts';
import { fatalError } from '../../errors.ts';
import { decodeFloat16 } from '../npy/float16.ts';
import { decodeNpyHeader, type NpyHeader } from '../npy/npy-header.ts';

const HEADER_ROOM = 4096;

export interface NpyMatrix {
  readonly shape: readonly [rows: number, dimension: number];
  readonly dtype: 'fp32' | 'fp16';
  /** (N, D) float32, C-order. */
  readonly data: Float32Array;
}

/** A whole `.npy` file of (N, D) fp32 or fp16. Errors: FILE_SINK_NPY_UNREADABLE. */
export async function readNpyMatrix(path: string): Promise<NpyMatrix> {
  const file = await NpyFile.open(path);
  try {
    const [rows] = file.header.shape;
    const data = await file.rows(0, rows);
    return { shape: file.header.shape, dtype: file.header.descr === '<f4' ? 'fp32' : 'fp16', data };
  } finally {
    await file.close();
  }
}

/**
 * Rows of a `.npy` file, or of all of a folder, with what stands in the `.metadata.parquet` beside it; a row group of
 * that file in memory at a time. Errors: FILE_SINK_NPY_UNREADABLE, FILE_SINK_PARQUET_UNREADABLE.
 */
export async function* readNpy(path: string): AsyncGenerator<EmbeddingRow, void, undefined> {
  for (const npyPath of await shardFiles(path, '.npy')) {
    const metadata = await openParquet(metadataPathOf(npyPath));
    const npy = await NpyFile.open(npyPath);
    try {
      const [rows, dimension] = npy.header.shape;
      if (rows !== metadata.rows) {
        const what = `${npyPath} has ${rows} rows, but its metadata has ${metadata.rows}.`;
        throw fatalError('FILE_SINK_NPY_UNREADABLE', what);
      }
      let first = 0;
      for (let group = 0; group < metadata.rowGroups; group++) {
        for (const batch of await metadata.read(group)) {
          const vectors = await npy.rows(first, batch.numRows);
          const reader = new RowReader(batch, metadata.metadata);
          first += batch.numRows;
          for (let i = 0; i < batch.numRows; i++) {
            yield reader.row(i, vectors.slice(i * dimension, (i + 1) * dimension));
          }
        }
      }
    } finally {
      metadata.close();
      await npy.close();
    }
  }
}

class NpyFile {
  readonly header: NpyHeader;
  readonly #path: string;
  readonly #handle: FileHandle;

  private constructor(path: string, handle: FileHandle, header: NpyHeader) {
    this.#path = path;
    this.#handle = handle;
    this.header = header;
  }

  static async open(path: string): Promise<NpyFile> {
    const handle = await open(path, 'r');
    try {
      const head = new Uint8Array(HEADER_ROOM);
      const { bytesRead } = await handle.read(head, 0, HEADER_ROOM, 0);
      return new NpyFile(path, handle, decodeNpyHeader(head.subarray(0, bytesRead), path));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** (count, D) float32 from row `first` on. */
  async rows(first: number, count: number): Promise<Float32Array> {
    const { descr, shape, dataOffset } = this.header;
    const width = descr === '<f4' ? 4 : 2;
    const bytes = new Uint8Array(count * shape[1] * width);
    const position = dataOffset + first * shape[1] * width;
    for (let done = 0; done < bytes.length;) {
      const { bytesRead } = await this.#handle.read(bytes, done, bytes.length - done, position + done);
      if (bytesRead === 0)
        throw fatalError('FILE_SINK_NPY_UNREADABLE', `${this.#path} is shorter than its header says.`);
      done += bytesRead;
    }
    if (descr === '<f4') return new Float32Array(bytes.buffer);
    const floats = new Float32Array(count * shape[1]);
    decodeFloat16(new Uint16Array(bytes.buffer), floats);
    return floats;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
