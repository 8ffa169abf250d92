import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fatalError, messageOf, UsageError } from '../../errors.ts';
import { isGlob } from '../files/glob.ts';
import { codeOf } from '../files/walk.ts';
import { decompressedHead, plainNameOf, rawHead, type ImportFile } from './import-file.ts';
import type { NpyCompanions } from './npy-reader.ts';
import type { ImportFault } from './row.ts';
import { isTar } from './tar-entries.ts';
import { unpack, type Unpacked } from './unpack.ts';

/** One thing to import, or to know of. */
export type ImportUnit =
  /** `keys`: of our own JSONL batches, what lists the offset of each line. */
  | { readonly kind: 'file'; readonly file: ImportFile; readonly keys?: ImportFile }
  | { readonly kind: 'npy'; readonly file: ImportFile; readonly companions: NpyCompanions | undefined }
  /** Lists deletions of our own shards. */
  | { readonly kind: 'deletions'; readonly file: ImportFile }
  | { readonly kind: 'fault'; readonly name: string; readonly fault: ImportFault }
  /** No file, or one that is none of ours. */
  | { readonly kind: 'skipped'; readonly name: string };

const DELETIONS = /^_.+\.deletions\.jsonl$/;
const KEYS = /^_batch_.+\.keys\.jsonl$/;
const BATCH = /^(batch_(?:p\d+_)?\d+)\.jsonl(?:\.gz|\.zst)?$/;
const ROW_ENDINGS = ['.jsonl', '.ndjson', '.metadata.jsonl', '_metadata.jsonl'];

function adviceFor(path: string, error: unknown): string {
  // It may hold a password.
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(path))
    return 'Embeddings are read from files, not from addresses: fetch them first.';
  const code = codeOf(error);
  if (code === 'EACCES' || code === 'EPERM')
    return `${path} may not be looked at. Check the permissions of its folder.`;
  const advice = isGlob(path)
    ? 'Write a pattern without quotes: the shell puts names in its place.'
    : 'Check the name.';
  return `There is no file or folder ${path}. ${advice}`;
}

/** Files, folders (with all that is below) and tars. A tar is unpacked to a temporary folder until `dispose`. */
export class ImportSet {
  readonly #paths: readonly string[];
  readonly #unpacked = new Map<string, Unpacked>();

  constructor(paths: readonly string[]) {
    this.#paths = paths;
  }

  /** In the order given, folders by name; may be asked for again. Rejects with UsageError when a path is not there. */
  async *units(): AsyncGenerator<ImportUnit> {
    for (const path of this.#paths) {
      const info = await stat(path).catch((cause: unknown) => {
        throw new UsageError(adviceFor(path, cause), { cause });
      });
      if (info.isDirectory()) yield* this.#folder(path, '');
      else if (info.isFile()) yield* this.#named({ path, name: basename(path), bytes: info.size, isNamed: true });
      else throw new UsageError(`${path} is neither a file nor a folder.`);
    }
  }

  /** Bytes of all files as they lie there. */
  async totalBytes(): Promise<number> {
    let total = 0;
    for await (const unit of this.units()) if ('file' in unit) total += unit.file.bytes;
    return total;
  }

  async dispose(): Promise<void> {
    for (const unpacked of this.#unpacked.values()) await unpacked.dispose();
    this.#unpacked.clear();
  }

  async *#named(file: ImportFile): AsyncGenerator<ImportUnit> {
    if (file.name.endsWith('.npy')) {
      const names = await readdir(dirname(file.path));
      const siblings = await Promise.all(
        names.filter((name) => couldGoWith(file.name, name)).map((name) => fileIn(dirname(file.path), name, '')),
      );
      yield npyUnit(
        file,
        siblings.filter((each) => each !== undefined),
      );
    } else yield* this.#fileOrArchive(file, await keysBeside(file));
  }

  async *#folder(folder: string, prefix: string): AsyncGenerator<ImportUnit> {
    const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
      throw fatalError('IMPORT_UNREADABLE', `${folder} can't be read: ${messageOf(cause)}.`, cause);
    });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    const files: ImportFile[] = [];
    for (const entry of entries) {
      if (entry.isDirectory() || isHidden(entry.name)) continue;
      const file = await fileIn(folder, entry.name, prefix);
      if (file === undefined) yield { kind: 'skipped', name: `${prefix}${entry.name}` };
      else files.push(file);
    }
    yield* this.#listing(files);
    for (const entry of entries)
      if (entry.isDirectory() && !entry.name.startsWith('.'))
        yield* this.#folder(join(folder, entry.name), `${prefix}${entry.name}/`);
  }

  /** The files of one folder: a .npy comes with what says what its rows are. */
  async *#listing(files: readonly ImportFile[]): AsyncGenerator<ImportUnit> {
    const npy = new Map<ImportFile, Extract<ImportUnit, { kind: 'npy' }>>();
    const claimed = new Set<ImportFile | undefined>();
    for (const file of files) {
      if (!file.name.endsWith('.npy')) continue;
      const unit = npyUnit(file, files);
      npy.set(file, unit);
      claimed.add(unit.companions?.rows);
      claimed.add(unit.companions?.description);
    }
    const keys = new Map(files.filter(isKeys).map((file) => [basename(file.name), file]));
    for (const file of files) {
      const unit = npy.get(file);
      if (unit !== undefined) yield unit;
      else if (!claimed.has(file) && !isKeys(file)) yield* this.#fileOrArchive(file, keys.get(keysNameOf(file) ?? ''));
    }
  }

  async *#fileOrArchive(file: ImportFile, keys?: ImportFile): AsyncGenerator<ImportUnit> {
    if (DELETIONS.test(basename(file.name))) {
      yield { kind: 'deletions', file };
      return;
    }
    let unpacked = this.#unpacked.get(file.path);
    if (unpacked === undefined && (await looksLikeTar(file))) {
      unpacked = await unpack(file);
      this.#unpacked.set(file.path, unpacked);
    }
    if (unpacked === undefined) {
      yield { kind: 'file', file, ...(keys && { keys }) };
      return;
    }
    const { files, faults, others } = unpacked;
    for (const fault of faults) yield { kind: 'fault', name: file.name, fault };
    for (const name of others) yield { kind: 'skipped', name };
    const visible = files.filter(({ name }) => !name.split('/').slice(1).some(isHidden));
    for (const listing of Map.groupBy(visible, ({ name }) => dirname(name)).values()) yield* this.#listing(listing);
  }
}

async function looksLikeTar(file: ImportFile): Promise<boolean> {
  if (!/\.(?:tar|tgz|tar\.\w+)$/i.test(file.name) && (await rawHead(file, 2)).length < 2) return false;
  try {
    return isTar(await decompressedHead(file));
  } catch {
    // What is wrong with it is told where it is read.
    return false;
  }
}

/** Also what other readers of such folders leave out: manifests and the like. */
function isHidden(name: string): boolean {
  return name.startsWith('.') || (name.startsWith('_') && !DELETIONS.test(name) && !KEYS.test(name));
}

function isKeys({ name }: ImportFile): boolean {
  return KEYS.test(basename(name));
}

/** undefined: it is none of our batches. */
function keysNameOf({ name }: ImportFile): string | undefined {
  const stem = BATCH.exec(basename(name))?.[1];
  return stem === undefined ? undefined : `_${stem}.keys.jsonl`;
}

async function keysBeside(file: ImportFile): Promise<ImportFile | undefined> {
  const name = keysNameOf(file);
  return name === undefined ? undefined : fileIn(dirname(file.path), name, '');
}

/** undefined: it is no file (a link to one is). */
async function fileIn(folder: string, name: string, prefix: string): Promise<ImportFile | undefined> {
  const path = join(folder, name);
  const info = await stat(path).catch(() => undefined);
  return info?.isFile() === true ? { path, name: `${prefix}${name}`, bytes: info.size, isNamed: false } : undefined;
}

function couldGoWith(npyName: string, name: string): boolean {
  return name !== npyName && /\.(?:jsonl|ndjson|json|metadata\.parquet)(?:\.(?:gz|zst))?$/i.test(name);
}

function npyUnit(file: ImportFile, siblings: readonly ImportFile[]): Extract<ImportUnit, { kind: 'npy' }> {
  const stem = basename(file.name).replace(/\.npy$/, '');
  const stems = [stem, stem.replace(/[._-](?:embeddings|vectors)$/, '')];
  const named = (name: string): ImportFile | undefined =>
    siblings.find((each) => plainNameOf(basename(each.name)) === name);
  const first = (names: readonly string[]): ImportFile | undefined =>
    names.map(named).find((each) => each !== undefined);
  const parquet = first(stems.map((each) => `${each}.metadata.parquet`));
  const lines = siblings.filter(
    (each) => /\.(?:jsonl|ndjson)$/.test(plainNameOf(each.name)) && !isHidden(basename(each.name)),
  );
  const rows =
    parquet ??
    first(stems.flatMap((each) => ROW_ENDINGS.map((ending) => `${each}${ending}`))) ??
    (lines.length === 1 ? lines[0] : undefined);
  const description = first(stems.map((each) => `${each}.metadata.json`));
  return {
    kind: 'npy',
    file,
    companions: rows && { rows, rowsAreParquet: rows === parquet, ...(description && { description }) },
  };
}
