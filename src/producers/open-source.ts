import { stat } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { UsageError } from '../errors.ts';
import { isPostgresUrl } from '../postgres/address.ts';
import { formatBytes } from '../telemetry/format.ts';
import { shownUrl } from './fetch/answers.ts';
import { readHead, unpackedName } from './files/file-head.ts';
import { openFolder } from './files/folder-source.ts';
import { isGlob, parseGlob } from './files/glob.ts';
import { openRefusal } from './files/open-error.ts';
import { openFile } from './files/open-file.ts';
import { temporaryFolder } from './files/temporary-files.ts';
import { fallbackFormat, formatOf, formats as allFormats } from './formats.ts';
import { checkedSettings } from './image/image-finder.ts';
import { refuseClashes } from './image/image-reference.ts';
import type { FileFormat, FormatOptions, Source } from './port.ts';

export interface OpenSourceOptions extends FormatOptions {
  /** The `<source>` of the ledger topic. Default: the name of the file without extensions, or of the folder. */
  readonly name?: string;
  readonly formats?: readonly FileFormat[];
  /** Rows of a database: what is read of it, and `PG…` variables for what its address leaves out. */
  readonly query?: string;
  readonly table?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
  /** Told of what is tried again. */
  readonly onWarning?: (message: string) => void;
}

/**
 * Opens what a `--source` names: a file, a folder, a glob, the URL of a file, or a database. Rejects with a `UsageError`
 * for what the user must change.
 */
export async function openSource(given: string, options: OpenSourceOptions = {}): Promise<Source> {
  const { name, formats = allFormats, signal, ...form } = options;
  if (isPostgresUrl(given)) {
    // Its client takes 50 ms to load.
    const { openPostgres } = await import('./postgres/postgres-source.ts');
    return openPostgres(given, options);
  }
  // Told here: where it concerns a file among others it would be a dead letter.
  refuseClashes(form);
  await checkedSettings(form);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(given)?.[1]?.toLowerCase();
  if (scheme === 'http' || scheme === 'https') return openUrl(given, options);
  // The address may hold a password: only its scheme is named.
  if (scheme !== undefined)
    throw new UsageError(
      `--source: addresses that begin with ${scheme}:// are not read, only http://, https:// and postgres://. ` +
        'Fetch the file first, and name it by its path.',
    );
  const found = await stat(given).catch(() => undefined);
  if (found?.isDirectory() === true) {
    const folder = { root: given, location: given, name: name ?? folderName(given), formats, options: form };
    return openFolder(folder, signal);
  }
  if (found === undefined && isGlob(given)) {
    const { folder: root, filter } = parseGlob(given);
    await refuseMissing(root, given);
    return openFolder(
      { root, filter, location: given, name: name ?? folderName(root), formats, options: form },
      signal,
    );
  }
  return openOne({ path: given, location: given, name: basename(given) }, options);
}

function folderName(path: string): string {
  const name = basename(resolve(path));
  return name === '' ? 'root' : name;
}

async function refuseMissing(root: string, pattern: string): Promise<void> {
  const found = await stat(root).catch(() => undefined);
  if (found?.isDirectory() !== true) throw new UsageError(`${pattern}: there is no folder ${root}. Check the pattern.`);
}

/** A file that is a source of its own. */
async function openOne(
  file: { readonly path: string; readonly location: string; readonly name: string },
  { name, formats = allFormats, signal, ...form }: OpenSourceOptions,
): Promise<Source> {
  const bare = unpackedName(file.name);
  const refuse = async (error: unknown): Promise<never> => {
    throw await openRefusal(file.location, error);
  };
  const found = await stat(file.path).catch(refuse);
  if (!found.isFile())
    throw new UsageError(`${file.location} is no regular file. Write the data to a file first: it is read twice.`);
  const head = await readHead(file.path).catch(refuse);
  const format = formatOf(head.bytes, bare, formats) ?? fallbackFormat;
  // An empty document or image is a dead letter, as a damaged one is.
  if (found.size === 0 && format.idsByName !== true)
    throw new UsageError(`${file.location} is empty: there is nothing to publish. Check where it comes from.`);
  if (format === fallbackFormat && extname(bare).toLowerCase() === '.json')
    throw new UsageError(
      `${file.location} is no JSON lines: its first line is no whole object. Write one object a line, ` +
        `for example with: jq -c '.[]' ${file.name} > ${basename(bare, '.json')}.jsonl`,
    );
  const sourceFile = {
    ...file,
    bytes: found.size,
    modifiedMs: found.mtimeMs,
    ...(signal && { signal }),
  };
  const opened = await openFile(format, sourceFile, head, form);
  return {
    name: name ?? basename(bare, extname(bare)),
    location: file.location,
    totalBytes: sourceFile.bytes,
    description: opened.description,
    read: (readSignal) => opened.read(readSignal),
    close: () => opened.close(),
  };
}

/** The file is fetched to a temporary one: most formats read it twice, or out of order. */
async function openUrl(given: string, options: OpenSourceOptions): Promise<Source> {
  if (!URL.canParse(given)) throw new UsageError(`--source: this is no URL that can be read. Check it.`);
  const url = new URL(given);
  const folder = await temporaryFolder();
  try {
    const name = fileNameOf(url);
    const path = join(folder.path, 'download');
    // Its client takes some time to load.
    const { download } = await import('./files/download.ts');
    const bytes = await download(url, path, options);
    const source = await openOne({ path, location: shownUrl(url), name }, options);
    return {
      ...source,
      description: { downloaded: formatBytes(bytes), ...source.description },
      close: async () => {
        await source.close?.();
        await folder.remove();
      },
    };
  } catch (error) {
    await folder.remove();
    throw error;
  }
}

function fileNameOf({ pathname, hostname }: URL): string {
  const last = pathname.split('/').filter(Boolean).at(-1);
  if (last === undefined) return hostname;
  try {
    return decodeURIComponent(last).replaceAll('/', '_');
  } catch {
    // Not percent-encoded, though it has percent signs.
    return last;
  }
}
