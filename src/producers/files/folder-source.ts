import { failureOutcome, messageOf, PipelineError, UsageError } from '../../errors.ts';
import { formatOf } from '../formats.ts';
import type { FileFormat, FileTally, FormatOptions, Source, SourceBatch, SourceFault, SourceItem } from '../port.ts';
import { type FileHead, readHead, unpackedName } from './file-head.ts';
import type { PathFilter } from './glob.ts';
import { openFile, unread, type OpenedFile } from './open-file.ts';
import { FileCounts, shownName } from './skipped-files.ts';
import { codeOf, type FoundFile, type Unreadable, walkFiles } from './walk.ts';

export interface FolderSourceOptions {
  readonly name: string;
  /** As the user gave it. */
  readonly location: string;
  readonly root: string;
  readonly filter?: PathFilter;
  readonly formats: readonly FileFormat[];
  readonly options: FormatOptions;
}

/** Beyond so many files their sizes are not added up beforehand. */
const MOST_COUNTED_FILES = 10_000;

/** A file whose work has begun. */
interface Begun {
  readonly file: FoundFile;
  readonly format: FileFormat;
  readonly head: FileHead;
  readonly opening: Promise<OpenedFile>;
}

/** All files of a folder or glob, of any known kind, as one source. Rejects with a `UsageError` where there is none. */
export async function openFolder(options: FolderSourceOptions, signal?: AbortSignal): Promise<Source> {
  const counts = new FileCounts();
  let totalBytes = 0;
  let known = 0;
  let isCounted = true;
  for await (const found of walkFiles(options.root, { counts, ...filterOf(options), signal })) {
    if ('problem' in found) continue;
    totalBytes += found.bytes;
    if (known === 0 && !(await isKnown(found, options.formats, counts))) continue;
    if (++known < MOST_COUNTED_FILES) continue;
    isCounted = false;
    break;
  }
  if (known > 0) return new FolderSource(options, isCounted ? totalBytes : undefined);
  const kinds = options.formats.map(({ name }) => name).join(', ');
  throw new UsageError(
    `${options.location} holds no file of a known kind (${kinds}). ${describeSkipped(counts)}`.trim(),
  );
}

/** Whether there is something to read; what there is not is counted. */
async function isKnown(file: FoundFile, formats: readonly FileFormat[], counts: FileCounts): Promise<boolean> {
  try {
    const format = formatOf((await readHead(file.path)).bytes, unpackedName(file.name), formats);
    if (!isWithoutRows(file, format)) return format !== undefined;
    counts.skip('empty', file.name);
  } catch {
    // Whoever reads it says what is wrong with it.
  }
  return false;
}

/** No bytes are a table without rows, but no document and no image: those are cut off. */
function isWithoutRows({ bytes }: FoundFile, format: FileFormat | undefined): boolean {
  return bytes === 0 && format?.idsByName !== true;
}

function filterOf({ filter }: FolderSourceOptions): { readonly filter?: PathFilter } {
  return filter === undefined ? {} : { filter };
}

class FolderSource implements Source {
  readonly name: string;
  readonly location: string;
  readonly totalBytes?: number;
  readonly description = { files: 'each by its kind' };
  readonly files: FileTally;
  readonly #options: FolderSourceOptions;
  readonly #counts = new FileCounts();
  #bytesBefore = 0;

  constructor(options: FolderSourceOptions, totalBytes: number | undefined) {
    this.name = options.name;
    this.location = options.location;
    if (totalBytes !== undefined) this.totalBytes = totalBytes;
    this.files = this.#counts;
    this.#options = options;
  }

  async *read(signal?: AbortSignal): AsyncGenerator<SourceBatch> {
    const stop = new AbortController();
    const stopped = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
    const ahead: Begun[] = [];
    try {
      for await (const found of walkFiles(this.#options.root, {
        counts: this.#counts,
        ...filterOf(this.#options),
        signal: stopped,
      })) {
        const begun = 'problem' in found ? this.#unreadable(found) : await this.#begin(found, stopped);
        if (begun === undefined) continue;
        if ('items' in begun) {
          while (ahead.length > 0) yield* this.#readFirst(ahead, stopped);
          yield begun;
          continue;
        }
        ahead.push(begun);
        while (ahead.length >= Math.min(...ahead.map(({ format }) => format.filesAtOnce ?? 1)))
          yield* this.#readFirst(ahead, stopped);
      }
      while (ahead.length > 0) yield* this.#readFirst(ahead, stopped);
    } finally {
      stop.abort();
      for (const { opening } of ahead)
        await opening.then(
          (opened) => opened.close(),
          () => undefined,
        );
    }
  }

  async *#readFirst(ahead: Begun[], signal: AbortSignal): AsyncGenerator<SourceBatch> {
    const next = ahead.shift();
    if (next !== undefined) yield* this.#read(next, signal);
  }

  /** The file's work, a batch with its fault, or undefined when it is of no known kind. */
  async #begin(file: FoundFile, signal: AbortSignal): Promise<Begun | SourceBatch | undefined> {
    let head: FileHead;
    try {
      head = await readHead(file.path);
    } catch (error) {
      const code = codeOf(error);
      if (code === 'ENOENT') {
        this.#counts.skip('gone before it was read', file.name);
        return undefined;
      }
      if (code !== 'EACCES' && code !== 'EPERM') throw error;
      const byName = formatOf(new Uint8Array(0), unpackedName(file.name), this.#options.formats);
      return this.#unreadable({ name: file.name, problem: messageOf(error) }, byName);
    }
    const format = formatOf(head.bytes, unpackedName(file.name), this.#options.formats);
    if (isWithoutRows(file, format)) {
      this.#counts.skip('empty', file.name);
      return undefined;
    }
    if (format === undefined) {
      this.#counts.skip('of unknown kind', file.name);
      this.#bytesBefore += file.bytes;
      return undefined;
    }
    const opening = openFile(format, { ...file, signal }, head, this.#options.options);
    // Met when its turn comes; until then a rejection must not count as unhandled.
    opening.catch(() => undefined);
    return { file, format, head, opening };
  }

  async *#read({ file, format, head, opening }: Begun, signal: AbortSignal): AsyncGenerator<SourceBatch> {
    this.#counts.countRead(format.name);
    let opened: OpenedFile;
    try {
      opened = await opening;
    } catch (error) {
      yield this.#faultBatch(fileFault(file, error, head.bytes), file.bytes, format);
      this.#bytesBefore += file.bytes;
      return;
    }
    this.#counts.countForm(format.name, opened.description, file.name);
    try {
      for await (const batch of opened.read(signal)) {
        for (const item of batch.items) assignFile(item, file.name);
        yield { ...batch, bytesRead: this.#bytesBefore + Math.min(batch.bytesRead, file.bytes) };
      }
    } finally {
      await opened.close();
    }
    this.#bytesBefore += file.bytes;
  }

  /** @param byName the format that its name says, where it is a file */
  #unreadable({ name, problem }: Unreadable, byName?: FileFormat): SourceBatch {
    const reason = `${shownName(name)} may not be read: ${problem}. Check its permissions.`;
    const fault = {
      kind: 'fault',
      code: 'FILE_UNREADABLE',
      reason,
      line: 0,
      file: name,
      raw: new Uint8Array(0),
    } as const;
    return this.#faultBatch(fault, 0, byName);
  }

  #faultBatch(fault: SourceFault, bytes: number, format: FileFormat | undefined): SourceBatch {
    const name = unpackedName(fault.file ?? '');
    return { items: [fault], filtered: 0, bytesRead: this.#bytesBefore + bytes, ...unread(format, name) };
  }
}

/** What is at fault with the file as a whole; rethrows faults of the world. */
function fileFault(file: FoundFile, error: unknown, raw: Uint8Array): SourceFault {
  const isOfTheFile = error instanceof UsageError || failureOutcome(error) === 'dead-letter';
  if (!(error instanceof PipelineError) || !isOfTheFile) throw error;
  const code = error instanceof UsageError ? 'FILE_UNUSABLE' : error.code;
  return { kind: 'fault', code, reason: `${shownName(file.name)}: ${error.message}`, line: 0, file: file.name, raw };
}

/** Items are new objects of their format's making, which leaves this field to its reader. */
function assignFile(item: { -readonly [Key in keyof (SourceItem | SourceFault)]?: unknown }, file: string): void {
  item.file = file;
}

/** `Skipped: 3 of unknown kind (the first: a.bin), 1 empty (…).` or nothing. */
export function describeSkipped({ skipped }: Pick<FileTally, 'skipped'>): string {
  const reasons = Object.entries(skipped).map(
    ([reason, { count, first }]) => `${count} ${reason} (${count > 1 ? 'the first: ' : ''}${first})`,
  );
  return reasons.length === 0 ? '' : `Skipped: ${reasons.join(', ')}.`;
}
