import { z } from 'zod';
import { UsageError } from '../../errors.ts';
import { ENCODINGS, encodingNamed } from './encoding.ts';
import { PRESET_NAMES } from './presets.ts';

const PRESETS = ['auto', 'none', ...PRESET_NAMES] as const;

/** Options of a CSV source; only `path` is needed, the rest is detected. */
export const csvSourceOptionsSchema = z.strictObject({
  path: z.string().min(1),
  /** For messages about rows, where the path is of a copy. Default: the path. */
  location: z.string().min(1).exactOptional(),
  /** The `<source>` of the ledger topic. Default: the file's name without folder and extension. */
  name: z.string().min(1).exactOptional(),
  /** A column, several (`a,b` or a list; values joined by `#`), or a template (`{a}-{b}`). */
  id: z.union([z.string().min(1), z.array(z.string().min(1)).min(1).readonly()]).exactOptional(),
  /** A template (`{Title}. {Medium}`). A name without braces is that column; `none`, beside an image, is no text. */
  text: z.string().min(1).exactOptional(),
  /** Where a row's image is: a column with paths or a template, below `imagesDir`; or one with URLs. */
  image: z.string().min(1).exactOptional(),
  imagesDir: z.string().min(1).exactOptional(),
  imageUrl: z.string().min(1).exactOptional(),
  /** `all`, `none`, or columns. Default: the preset's, else all that are neither id nor text. */
  metadata: z.union([z.string(), z.array(z.string()).readonly()]).exactOptional(),
  /** One ASCII character, or `comma`, `semicolon`, `tab`, `pipe`, `colon`, `space`. */
  delimiter: z
    .string()
    .refine((text) => delimiterByte(text) !== undefined, 'one character such as ";", or tab')
    .exactOptional(),
  encoding: z
    .string()
    .refine((text) => encodingNamed(text) !== undefined, `one of ${ENCODINGS.join(', ')}`)
    .exactOptional(),
  /** Good items handed over, counted after `where`. */
  limit: z.int().positive().exactOptional(),
  /** `column=value` or `column!=value`; all must hold; values are compared trimmed and exactly. */
  where: z.array(z.string().min(1)).readonly().exactOptional(),
  /** `auto` (default) goes by the header. */
  preset: z.enum(PRESETS, `one of ${PRESETS.join(', ')}`).exactOptional(),
  /** Bytes read at a time. */
  chunkBytes: z.int().positive().exactOptional(),
  /** A longer row is a dead letter; also bounds how far a quoted field may run. */
  maxRowBytes: z.int().positive().exactOptional(),
});

export type CsvSourceOptions = z.input<typeof csvSourceOptionsSchema>;

export const DEFAULT_CHUNK_BYTES = 1024 * 1024;
/** A fault carries its row's bytes: they have to fit into one log record (8 MiB) with its headers. */
export const DEFAULT_MAX_ROW_BYTES = 8 * 1024 * 1024 - 64 * 1024;

const DELIMITER_NAMES: Readonly<Record<string, string>> = {
  comma: ',',
  semicolon: ';',
  tab: '\t',
  '\\t': '\t',
  pipe: '|',
  colon: ':',
  space: ' ',
};
const NOT_DELIMITERS = '"\r\n\0';

/** The byte a `--delimiter` means, or undefined when it means none. */
export function delimiterByte(text: string): number | undefined {
  const character = DELIMITER_NAMES[text.toLowerCase()] ?? text;
  if (character.length !== 1 || character > '\x7f' || NOT_DELIMITERS.includes(character)) return undefined;
  return character.charCodeAt(0);
}

/** Throws a `UsageError` that lists every fault. */
export function parseCsvSourceOptions(options: CsvSourceOptions): CsvSourceOptions {
  const parsed = csvSourceOptionsSchema.safeParse(options);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'options'}: ${issue.message}`);
  throw new UsageError(`Wrong options for a CSV source: ${faults.join('; ')}.`);
}
