import { openAsBlob } from 'node:fs';
import { tableFromIPC, type RecordBatch } from 'apache-arrow';
import { ParquetFile } from 'parquet-wasm';
import { fatalError, messageOf } from '../../errors.ts';
import { FILE_METADATA_KEY, type FileMetadata } from '../parquet/embedding-columns.ts';

/** More than a row group has. */
const WHOLE_ROW_GROUP = 1 << 20;

export interface ParquetShard {
  readonly path: string;
  readonly rows: number;
  readonly rowGroups: number;
  /** undefined: not written by embedstream. */
  readonly metadata: FileMetadata | undefined;
  /** One row group; `columns` left out: all of them. */
  read(rowGroup: number, columns?: readonly string[]): Promise<readonly RecordBatch[]>;
  close(): void;
}

/** Opens a Parquet file by its footer; nothing else is read yet. Errors: FILE_SINK_PARQUET_UNREADABLE. */
export async function openParquet(path: string): Promise<ParquetShard> {
  try {
    const file = await ParquetFile.fromFile(await openAsBlob(path));
    const footer = file.metadata();
    const fileMetadata = footer.fileMetadata();
    const rows = fileMetadata.numRows();
    const json: unknown = fileMetadata.keyValueMetadata().get(FILE_METADATA_KEY);
    const rowGroups = footer.numRowGroups();
    fileMetadata.free();
    footer.free();
    return {
      path,
      rows,
      rowGroups,
      metadata: typeof json === 'string' ? (JSON.parse(json) as FileMetadata) : undefined,
      read: (rowGroup, columns) => readRowGroup(file, path, rowGroup, columns),
      close: () => {
        file.free();
      },
    };
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function readRowGroup(
  file: ParquetFile,
  path: string,
  rowGroup: number,
  columns: readonly string[] | undefined,
): Promise<readonly RecordBatch[]> {
  try {
    const only = columns === undefined ? {} : { columns: [...columns] };
    const table = await file.read({ rowGroups: [rowGroup], batchSize: WHOLE_ROW_GROUP, ...only });
    return tableFromIPC(table.intoIPCStream()).batches;
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): Error {
  return fatalError('FILE_SINK_PARQUET_UNREADABLE', `${path} can't be read as Parquet: ${messageOf(error)}.`, error);
}
