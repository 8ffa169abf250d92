import type { FileHandle } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { UsageError } from '../../errors.ts';
import { fileChunks, readBytes } from '../files/file-chunks.ts';
import type { ImageReference } from '../image/image-reference.ts';
import type { Source, SourceBatch, SourceFault, SourceItem } from '../port.ts';
import { columnNames } from './columns.ts';
import { findBeyondAscii, openCsvFile, refuseBinary } from './csv-file.ts';
import { delimiterName, type DialectSample, readSample } from './dialect.ts';
import { byteOrderMark, type DetectedEncoding, detectEncoding, encodingNamed } from './encoding.ts';
import {
  type CsvSourceOptions,
  DEFAULT_CHUNK_BYTES,
  DEFAULT_MAX_ROW_BYTES,
  delimiterByte,
  parseCsvSourceOptions,
} from './options.ts';
import { RowMapper } from './row-mapper.ts';
import { planRows, type RowPlan } from './row-plan.ts';
import { END, NEED_BYTES, ROW_CUT, ROW_TOO_LARGE, RowStream } from './row-stream.ts';
import { createTranscoder } from './transcoder.ts';

export type { CsvSourceOptions } from './options.ts';

const SAMPLE_BYTES = 256 * 1024;
/** How far an all-ASCII beginning is followed to learn the encoding. */
const ASCII_SEARCH_BYTES = 64 * 1024 * 1024;
const MAX_BATCH_ITEMS = 2_048;

/**
 * Opens a CSV file and finds its form: encoding, delimiter, id column and text. Reads the first 256 KiB, and up to
 * 64 MiB when they are all ASCII. Rejects with a `UsageError` for a file that can't be read as a table and for names
 * of columns that are not there.
 */
export async function openCsvSource(given: CsvSourceOptions): Promise<CsvSource> {
  const options = parseCsvSourceOptions(given);
  const { handle, size } = await openCsvFile(options.path);
  try {
    const { encoding, dialect } = await findForm(options, handle, size);
    const plan = planRows(options, columnNames(dialect.header), dialect.rows);
    return new CsvSource(options, size, encoding, dialect, plan);
  } finally {
    await handle.close();
  }
}

async function findForm(
  options: CsvSourceOptions,
  handle: FileHandle,
  size: number,
): Promise<{ encoding: DetectedEncoding; dialect: DialectSample }> {
  const sample = await readBytes(handle, 0, Math.min(size, SAMPLE_BYTES));
  const encoding = await findEncoding(options, handle, sample, size);
  refuseBinary(options.path, sample, encoding.encoding.startsWith('utf-16'));
  const isComplete = sample.length === size;
  const utf8 = createTranscoder(encoding.encoding).push(sample.subarray(encoding.bomBytes), isComplete);
  const given = options.delimiter === undefined ? undefined : delimiterByte(options.delimiter);
  const dialect = readSample(utf8, given, isComplete);
  if (dialect.header.length > 0) return { encoding, dialect };
  throw new UsageError(
    `${options.path}: the first line can't be read as a header in ${encoding.encoding}. It must name the columns, hold ` +
      `no NUL and no open quote. Check the file, or give --encoding and --delimiter.`,
  );
}

async function findEncoding(
  options: CsvSourceOptions,
  handle: FileHandle,
  sample: Uint8Array,
  size: number,
): Promise<DetectedEncoding> {
  const given = options.encoding === undefined ? undefined : encodingNamed(options.encoding);
  if (given !== undefined) {
    const mark = byteOrderMark(sample);
    const isGeneric = options.encoding?.toLowerCase().replace('-', '') === 'utf16';
    if (mark !== undefined && (mark.encoding === given || isGeneric)) return { ...mark, evidence: 'as given' };
    return { encoding: given, bomBytes: 0, evidence: 'as given' };
  }
  const detected = detectEncoding(sample, sample.length < size);
  if (detected.evidence !== 'all ASCII' || sample.length === size) return detected;
  // Both UTF-8 and Windows-1252 begin like this: the first bytes beyond ASCII tell.
  const end = Math.min(size, ASCII_SEARCH_BYTES);
  const at = await findBeyondAscii(handle, sample.length - 4, end, DEFAULT_CHUNK_BYTES);
  if (at < 0) return detected;
  const further = await readBytes(handle, at, Math.min(SAMPLE_BYTES, size - at));
  const later = detectEncoding(further, at + further.length < size);
  return { encoding: later.encoding, bomBytes: 0, evidence: `${later.evidence} from byte ${at} on, ASCII before` };
}

export class CsvSource implements Source {
  readonly name: string;
  readonly location: string;
  readonly totalBytes: number;
  readonly description: Readonly<Record<string, string>>;
  /** Where the images of rows are: the items only say it. */
  readonly image: ImageReference | undefined;
  readonly #options: CsvSourceOptions;
  readonly #encoding: DetectedEncoding;
  readonly #dialect: DialectSample;
  readonly #plan: RowPlan;

  constructor(
    options: CsvSourceOptions,
    size: number,
    encoding: DetectedEncoding,
    dialect: DialectSample,
    plan: RowPlan,
  ) {
    this.name = options.name ?? basename(options.path, extname(options.path));
    this.location = options.location ?? options.path;
    this.totalBytes = size;
    this.image = plan.image;
    this.#options = options;
    this.#encoding = encoding;
    this.#dialect = dialect;
    this.#plan = plan;
    this.description = {
      encoding: `${encoding.encoding} (${encoding.evidence})`,
      delimiter: delimiterName(dialect.delimiter),
      ...plan.description,
    };
  }

  async *read(signal?: AbortSignal): AsyncGenerator<SourceBatch> {
    const { bomBytes } = this.#encoding;
    const chunkBytes = this.#options.chunkBytes ?? DEFAULT_CHUNK_BYTES;
    const progress = { bytesRead: bomBytes };
    const chunks = counted(fileChunks(this.#options.path, { from: bomBytes, chunkBytes, signal }), progress);
    try {
      yield* this.#batches(chunks, progress);
    } finally {
      await chunks.return(undefined);
    }
  }

  async *#batches(chunks: AsyncGenerator<Uint8Array>, progress: { bytesRead: number }): AsyncGenerator<SourceBatch> {
    const transcoder = createTranscoder(this.#encoding.encoding);
    const maxRowBytes = this.#options.maxRowBytes ?? DEFAULT_MAX_ROW_BYTES;
    const stream = new RowStream(chunks, { delimiter: this.#dialect.delimiter, transcoder, maxRowBytes });
    const mapper = new RowMapper(stream, this.#plan, this.location, transcoder);
    await skipRows(stream, this.#dialect.hasSepLine ? 2 : 1);
    let left = this.#options.limit ?? Infinity;
    let bytesRead = 0;
    for (;;) {
      const { items, filtered, goods, event } = nextBatch(stream, mapper, Math.min(left, MAX_BATCH_ITEMS));
      left -= goods;
      const isEnd = event === END || left === 0;
      if (items.length > 0 || filtered > 0 || event === END) {
        // Pending bytes are counted in UTF-8: exact for UTF-8, near enough otherwise, but never backwards.
        bytesRead = Math.max(bytesRead, progress.bytesRead - stream.pending);
        yield { items, filtered, bytesRead };
      }
      if (isEnd) return;
      if (event === NEED_BYTES) await stream.fill();
    }
  }
}

/** Rows until one batch is full (`maxItems` items or faults, of which no more are items) or the window is used up. */
function nextBatch(
  stream: RowStream,
  mapper: RowMapper,
  maxItems: number,
): { items: (SourceItem | SourceFault)[]; filtered: number; goods: number; event: number } {
  const items: (SourceItem | SourceFault)[] = [];
  let filtered = 0;
  let goods = 0;
  while (items.length < maxItems) {
    const event = stream.next();
    if (event === NEED_BYTES || event === END) return { items, filtered, goods, event };
    const item =
      event === ROW_CUT ? mapper.strayQuote() : event === ROW_TOO_LARGE ? tooLarge(stream, mapper) : mapper.map();
    if (item === undefined) filtered++;
    else {
      items.push(item);
      if (item.kind === 'item') goods++;
    }
  }
  return { items, filtered, goods, event: -1 };
}

function tooLarge(stream: RowStream, mapper: RowMapper): SourceFault {
  const { sample, bytes } = stream.oversized;
  const what = `the row has more bytes than a record may have (${bytes} in UTF-8); its first ${sample.length} are kept here`;
  return mapper.faultWith('CSV_ROW_TOO_LARGE', what, sample);
}

async function skipRows(stream: RowStream, rows: number): Promise<void> {
  for (let skipped = 0; skipped < rows;) {
    const event = stream.next();
    if (event === END) return;
    if (event === NEED_BYTES) await stream.fill();
    else skipped++;
  }
}

async function* counted(
  chunks: AsyncGenerator<Uint8Array>,
  progress: { bytesRead: number },
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    progress.bytesRead += chunk.length;
    yield chunk;
  }
}
