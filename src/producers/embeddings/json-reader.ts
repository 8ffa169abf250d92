import { failureOutcome, poisonError, type PipelineError } from '../../errors.ts';
import { openBytes, type ByteStream, type ImportFile } from './import-file.ts';
import { jsonRow, type JsonRowOptions } from './json-row.ts';
import { JsonScanner, type JsonEvent } from './json-scanner.ts';
import { wholeFile } from './jsonl-reader.ts';
import { MAX_LINE_BYTES } from './lines.ts';
import { fault, type ImportBatch, type ImportFault, type ImportReader, type ImportRow } from './row.ts';

const BATCH_ROWS = 512;
/** The member that makes a document one of the format `{version, model, dimensions, count, created, embeddings}`. */
const VERSIONED_MEMBER = 'embeddings';
const KNOWN_VERSIONS = ['1.0', '1', 1];

/**
 * One JSON document, read as a stream: version 1.0 `{version, model, dimensions, count, created, embeddings: […]}`, or a
 * vector store's export `[{id, vector, metadata}, …]`, also as the member `vectors` of an object.
 * Resolves with undefined where it holds no rows. Errors: IMPORT_VERSION (poison).
 */
export async function openJsonDocument(
  file: ImportFile,
  options: Omit<JsonRowOptions, 'name'>,
): Promise<ImportReader | undefined> {
  const { head: first, member } = await readHead(file, true);
  if (member === undefined) return undefined;
  let head = first;
  const isVersioned = member === VERSIONED_MEMBER;
  // Sorted keys put "version" last: the whole document is then read twice.
  if (isVersioned && !head.has('version')) ({ head } = await readHead(file, false));
  if (isVersioned || head.has('version')) checkVersion(file.name, head.get('version'));
  const model = head.get('model');
  const dimension = head.get('dimensions') ?? head.get('dimension');
  return {
    format: isVersioned ? 'JSON v1.0' : "vector store's JSON",
    ...(typeof model === 'string' && { model }),
    ...(typeof dimension === 'number' && { dimension }),
    read: () => readRows(file, { ...options, name: file.name }, isVersioned),
  };
}

function checkVersion(name: string, version: unknown): void {
  if (KNOWN_VERSIONS.includes(version as string)) return;
  const said = version === undefined ? 'it has no "version"' : `its version is ${JSON.stringify(version)}`;
  throw poisonError(
    'IMPORT_VERSION',
    `${name}: ${said}, and only 1.0 is known here. Write it as version 1.0, as JSON Lines or as Parquet, or use a newer embedstream.`,
  );
}

/** Up to where the rows begin, or all of it. */
async function readHead(
  file: ImportFile,
  untilRows: boolean,
): Promise<{ head: ReadonlyMap<string, unknown>; member: string | undefined }> {
  const scanner = new JsonScanner(0);
  let member: string | undefined;
  try {
    for await (const chunk of await openBytes(file))
      for (const event of scanner.push(chunk)) {
        if (event.event === 'rows') member ??= event.member;
        if (event.event === 'broken' || (member !== undefined && untilRows)) return { head: scanner.head, member };
      }
  } catch (error) {
    // Damage is met again, and told, where the rows are read.
    if (failureOutcome(error) !== 'dead-letter') throw error;
  }
  return { head: scanner.head, member };
}

async function* readRows(file: ImportFile, options: JsonRowOptions, isVersioned: boolean): AsyncGenerator<ImportBatch> {
  const bytes = await openBytes(file);
  const rows = new RowCollector(options);
  try {
    for await (const chunk of bytes)
      for (const event of rows.scanner.push(chunk)) {
        rows.take(event);
        if (rows.batch.length >= BATCH_ROWS) yield rows.release(bytes);
      }
    rows.finish(isVersioned);
  } catch (error) {
    if (failureOutcome(error) !== 'dead-letter') throw error;
    rows.batch.push(wholeFile(error as PipelineError, rows.count + 1));
  }
  yield rows.release(bytes);
}

class RowCollector {
  readonly scanner = new JsonScanner(MAX_LINE_BYTES);
  batch: (ImportRow | ImportFault)[] = [];
  /** Rows so far. */
  count = 0;
  #isBroken = false;
  readonly #options: JsonRowOptions;

  constructor(options: JsonRowOptions) {
    this.#options = options;
  }

  take(event: JsonEvent): void {
    const { name } = this.#options;
    if (event.event === 'row') {
      this.count++;
      this.batch.push(
        event.isTooLong
          ? fault('IMPORT_ROW_TOO_LARGE', `${name}:${this.count}: the row is too large.`, this.count, event.bytes)
          : jsonRow(event.bytes, this.count, this.#options),
      );
    } else if (event.event === 'broken') {
      this.#isBroken = true;
      const row = this.count + 1;
      const reason = `${name}:${row}: ${event.what}. The rows before it were imported, what follows was not.`;
      this.batch.push(fault('IMPORT_BAD_JSON', reason, row, event.bytes));
    }
  }

  /** What only the end shows: a document that is cut, or that counts other rows than it has. */
  finish(isVersioned: boolean): void {
    const { name } = this.#options;
    const row = this.count + 1;
    if (this.#isBroken) return;
    if (!this.scanner.isComplete) {
      const reason = `${name}:${row}: the file ends here, in the middle. Bring the whole file; its rows up to here were imported.`;
      this.batch.push(fault('IMPORT_TRUNCATED', reason, row, this.scanner.rest));
      return;
    }
    const said = this.scanner.head.get('count');
    if (isVersioned && typeof said === 'number' && said !== this.count) {
      const reason = `${name}: it says "count": ${said}, but has ${this.count} rows. Those are imported; is it the whole file?`;
      this.batch.push(fault('IMPORT_COUNT', reason, 0, Buffer.from(reason)));
    }
  }

  release(bytes: ByteStream): ImportBatch {
    const rows = this.batch;
    this.batch = [];
    return { rows, bytesRead: bytes.bytesRead() };
  }
}
