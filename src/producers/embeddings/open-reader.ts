import { poisonError } from '../../errors.ts';
import { compressionOf, decompressedHead, plainNameOf, rawHead } from './import-file.ts';
import type { ImportUnit } from './import-set.ts';
import { openJsonDocument } from './json-reader.ts';
import { jsonlReader } from './jsonl-reader.ts';
import { openNpy } from './npy-reader.ts';
import { openParquetVectors } from './parquet-reader.ts';
import type { ImportReader } from './row.ts';

export interface ReaderOptions {
  /** Fields of the id, joined as `first#second#…`. Left out: detected. */
  readonly id?: readonly string[] | undefined;
  readonly text?: string | undefined;
}

const NEWLINE = 0x0a;

/**
 * The reader for a file, by its contents; undefined: it is none of embeddings.
 * Errors: poison where the file as a whole can't be imported.
 */
export async function openReader(
  unit: Extract<ImportUnit, { kind: 'file' | 'npy' }>,
  options: ReaderOptions,
): Promise<ImportReader | undefined> {
  const { file } = unit;
  if (unit.kind === 'npy') {
    if (unit.companions === undefined) throw noRows(file.name);
    return openNpy(file, unit.companions, options);
  }
  const head = await decompressedHead(file);
  if (head.length === 0) throw poisonError('IMPORT_EMPTY', `${file.name} is empty.`);
  if (head.subarray(0, 4).toString('latin1') === 'PAR1') {
    if (compressionOf(await rawHead(file)) === 'none') return openParquetVectors(file, options);
    throw poisonError('IMPORT_PARQUET', `${file.name} is a Parquet file within another compression: decompress it.`);
  }
  if (head[0] === 0x93 && head.subarray(1, 6).toString('latin1') === 'NUMPY') throw noRows(file.name);
  const form = jsonForm(head, plainNameOf(file.name));
  if (form === 'lines') return jsonlReader(file, options, unit.keys);
  return form === 'document' ? openJsonDocument(file, options) : undefined;
}

/** JSON Lines, or one document that may have lines too. */
export function jsonForm(head: Buffer, plainName: string): 'lines' | 'document' | undefined {
  const text = head
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trimStart();
  if (/\.(?:jsonl|ndjson)$/i.test(plainName)) return 'lines';
  if (text.startsWith('[')) return 'document';
  if (!text.startsWith('{')) return undefined;
  const end = head.indexOf(NEWLINE, head.indexOf('{'));
  const first =
    end < 0
      ? undefined
      : parsed(
          head
            .subarray(0, end)
            .toString('utf8')
            .trim()
            .replace(/^\uFEFF/, ''),
        );
  // A line that is an object with a vector of its own.
  if (first !== undefined)
    return ['embedding', 'vector', 'values'].some((field) => field in first) ? 'lines' : 'document';
  // The first member that is a list of objects comes before any vector.
  const list = /"(?:embeddings|vectors|data|points|records)"\s*:\s*\[\s*[{\]]/.exec(text)?.index ?? Infinity;
  const vector = /"(?:embedding|vector|values)"\s*:\s*\[/.exec(text)?.index ?? Infinity;
  return vector < list && end < 0 ? 'lines' : 'document';
}

function parsed(line: string): object | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function noRows(name: string): Error {
  const stem = name.replace(/\.npy$/, '');
  return poisonError(
    'IMPORT_NPY',
    `${name}: nothing says what its rows are. Put ${stem}.jsonl (a line a row) or ${stem}.metadata.parquet beside it.`,
  );
}
