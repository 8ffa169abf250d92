import { failureOutcome, type PipelineError } from '../../errors.ts';
import { openBytes, type ImportFile } from './import-file.ts';
import { jsonRow, type JsonRowOptions } from './json-row.ts';
import { MAX_LINE_BYTES, splitLines, type Line } from './lines.ts';
import { LineOffsets } from './row-keys.ts';
import { fault, type ImportBatch, type ImportFault, type ImportReader, type ImportRow } from './row.ts';

/** JSON Lines, a row a line; one bad line is one fault. `keys`: what lists id and offset of each line. */
export function jsonlReader(file: ImportFile, options: Omit<JsonRowOptions, 'name'>, keys?: ImportFile): ImportReader {
  return { format: 'JSON Lines', read: () => readLines(file, { ...options, name: file.name }, keys) };
}

async function* readLines(
  file: ImportFile,
  options: JsonRowOptions,
  keys: ImportFile | undefined,
): AsyncGenerator<ImportBatch> {
  const bytes = await openBytes(file);
  const offsets = keys && new LineOffsets(keys);
  let last = 0;
  try {
    for await (const lines of splitLines(bytes)) {
      last = lines.at(-1)?.number ?? last;
      const rows = lines.map((line) => rowOf(line, options));
      yield { rows: offsets === undefined ? rows : await offsets.addTo(rows), bytesRead: bytes.bytesRead() };
    }
  } catch (error) {
    if (failureOutcome(error) !== 'dead-letter') throw error;
    yield { rows: [wholeFile(error as PipelineError, last + 1)], bytesRead: bytes.bytesRead() };
  }
}

export function rowOf(line: Line, options: JsonRowOptions, vector?: Float32Array): ImportRow | ImportFault {
  const { bytes, number, isTooLong } = line;
  if (!isTooLong) return jsonRow(bytes, number, options, vector);
  const limit = `${MAX_LINE_BYTES / 1024 / 1024} MiB`;
  return fault('IMPORT_ROW_TOO_LARGE', `${options.name}:${number}: the line has more than ${limit}.`, number, bytes);
}

/** The file as a whole is at fault, from this row on. */
export function wholeFile({ code, message }: Pick<PipelineError, 'code' | 'message'>, row = 0): ImportFault {
  return fault(code, message, row, Buffer.from(message));
}
