import { ARROW_SCHEMA_KEY, arrowSchema } from './arrow-schema.ts';
import { EmbeddingColumns, FILE_METADATA_KEY, type FileMetadata } from './embedding-columns.ts';
import { encodeFooter, type RowGroup } from './format.ts';
import type { EmbeddingScanner } from '../../codec/embedding-scanner.ts';
import type { StagedFile } from '../port.ts';
import type { StagedFileWriter } from '../staged-file.ts';

const MAGIC = new TextEncoder().encode('PAR1');

export interface ParquetFileOptions {
  readonly model: string;
  readonly dimension: number;
  readonly withVectors: boolean;
  readonly rowGroupRows: number;
}

/**
 * A Parquet file of embeddings. Vectors go to the file as they come; of a row group only the other columns are in
 * memory, and of what is written only where it lies.
 */
export class ParquetFile {
  readonly #file: StagedFileWriter;
  readonly #options: ParquetFileOptions;
  readonly #columns: EmbeddingColumns;
  readonly #rowGroups: RowGroup[] = [];
  #groupStart = MAGIC.length;

  constructor(file: StagedFileWriter, options: ParquetFileOptions) {
    this.#file = file;
    this.#options = options;
    this.#columns = new EmbeddingColumns({
      ...options,
      write: (bytes) => {
        file.write(bytes);
      },
    });
    file.write(MAGIC);
  }

  /** Takes the scanned row, which is at `offset` of the embeddings topic. */
  append(scanner: EmbeddingScanner, offset: number): void {
    this.#columns.append(scanner, offset);
    if (this.#columns.length === this.#options.rowGroupRows) this.#endRowGroup();
  }

  finish(name: string): StagedFile {
    // Also an empty file has its columns.
    if (this.#columns.length > 0 || this.#rowGroups.length === 0) this.#endRowGroup();
    const footer = encodeFooter(this.#columns.schema, this.#rowGroups, this.#keyValueMetadata());
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, footer.length, true);
    for (const part of [footer, length, MAGIC]) this.#file.write(part);
    return this.#file.finish(name);
  }

  #endRowGroup(): void {
    const group = this.#columns.finish(this.#groupStart);
    if (group.rows > 0) this.#rowGroups.push(group);
    this.#groupStart += group.chunks.reduce((total, chunk) => total + chunk.bytes, 0);
  }

  #keyValueMetadata(): ReadonlyMap<string, string> {
    const { model, dimension } = this.#options;
    const metadata: FileMetadata = { version: 1, model, dimension, metadata: this.#columns.plan };
    return new Map([
      [FILE_METADATA_KEY, JSON.stringify(metadata)],
      [ARROW_SCHEMA_KEY, arrowSchema(this.#columns.schema, dimension)],
    ]);
  }
}
