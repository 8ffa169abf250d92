import type { ImagePart, Metadata, RecordId } from '../record/types.ts';

/** One good item of a source. */
export interface SourceItem {
  readonly kind: 'item';
  readonly id: RecordId;
  readonly text?: string;
  readonly image?: ImagePart;
  readonly metadata: Metadata;
  readonly page?: number;
  readonly chunk?: number;
  /** 1-based line (or row, or chunk) where the item begins. */
  readonly line: number;
  /**
   * The `name` of its file, where the source has several: set by whoever reads the files, not by their format. Left out
   * where the source is one file, whose lines have keys without it in the ledger.
   */
  readonly file?: string;
  /**
   * The item's bytes in the source, whole. Left out by sources whose items are no contiguous bytes. A view that is
   * valid until the next batch is asked for.
   */
  readonly raw?: Uint8Array;
}

/** An item that can't become a record; it becomes a dead letter. */
export interface SourceFault {
  readonly kind: 'fault';
  /** Stable, SCREAMING_SNAKE, e.g. CSV_RAGGED_ROW. */
  readonly code: string;
  /** What is wrong, with file and line. */
  readonly reason: string;
  /** As of an item; 0 when it is of the file as a whole. */
  readonly line: number;
  /** As of an item. */
  readonly file?: string;
  /** The original bytes, untouched; of more than fit into a dead letter the beginning, and `reason` says so. */
  readonly raw: Uint8Array;
}

/** Items and faults in source order; `bytesRead` counts from the start of the source. */
export interface SourceBatch {
  readonly items: readonly (SourceItem | SourceFault)[];
  /** Rows a `where` left out, in this batch. */
  readonly filtered: number;
  readonly bytesRead: number;
  /** Documents that ended with this batch, read whole. */
  readonly numbered?: readonly NumberedIds[];
  /** True when a part of the source could not be read: then nothing counts as vanished, and `prune` deletes nothing. */
  readonly isPartial?: boolean;
  /**
   * Names of files that are there and could not be read, of a format whose ids are `idsByName`: their records are kept,
   * and `prune` deletes others all the same.
   */
  readonly unreadFiles?: readonly string[];
}

/**
 * A document whose items have the ids `prefix` + 1, 2, … (with gaps of less than 64 where some are faults), and which now
 * ends with number `count`. The publisher
 * deletes those behind that an earlier run has published, without `prune`: they are parts of a whole that has shrunk.
 */
export interface NumberedIds {
  readonly prefix: string;
  readonly count: number;
}

/**
 * The source port. `open` reads as little as it needs to find the source's form and rejects with a `UsageError` for
 * what the user must change (no such file, no such column). `read` is then called once and pulled by one reader;
 * it rejects only for faults of the world (disk, permission), never for bad data.
 */
export interface Source {
  /** The `<source>` of the ledger topic: the file's name without folder and extension unless the user names it. */
  readonly name: string;
  /** Where it comes from, for messages: a path or URL without secrets. */
  readonly location: string;
  /** Size in bytes when known. */
  readonly totalBytes?: number;
  /** What was detected, for the user: encoding, delimiter, id column, template. */
  readonly description: Readonly<Record<string, string>>;
  /**
   * True where its items are rows in no order: a fault is the same one again when its bytes are, wherever it stands, and
   * progress is counted in rows.
   */
  readonly isTable?: boolean;
  /** True where it leaves items out that it does not count as `filtered`: then nothing counts as vanished. */
  readonly isFiltered?: boolean;
  /** Where the source has several files: what became of them. Grows while it is read. */
  readonly files?: FileTally;
  read(signal?: AbortSignal): AsyncIterable<SourceBatch>;
  /** Frees what `open` has taken (a downloaded file). Called once, also when nothing was read. */
  close?(): Promise<void>;
}

/** Files of a source: each is read, is a fault in the stream, or is counted among the skipped. */
export interface FileTally {
  /** Files read, by the name of their format. */
  readonly read: Readonly<Record<string, number>>;
  /** By the name of the format: what was detected in its files, the first few of different forms. */
  readonly detected: Readonly<Record<string, readonly DetectedForm[]>>;
  /** Files, links and folders that were left out, by reason in words, with the first of each. */
  readonly skipped: Readonly<Record<string, { readonly count: number; readonly first: string }>>;
}

export interface DetectedForm {
  /** Encoding, id, text, as of `OpenFile.description`. */
  readonly form: string;
  readonly files: number;
  readonly first: string;
}

/** What the user said about the form of the files; a format takes what concerns it. Names are those of the flags. */
export interface FormatOptions {
  readonly id?: string | readonly string[];
  readonly text?: string;
  readonly metadata?: string | readonly string[];
  readonly where?: readonly string[];
  readonly preset?: string;
  readonly delimiter?: string;
  readonly encoding?: string;
  /** How documents are cut into records; `chunkSize` and `chunkOverlap` in characters, or tokens where `split` says so. */
  readonly split?: string;
  readonly chunkSize?: number;
  readonly chunkOverlap?: number;
  /** The image of a row, where the file is a table: a column with paths or a template, below `imagesDir`. */
  readonly image?: string;
  readonly imagesDir?: string;
  /** The same with URLs. */
  readonly imageUrl?: string;
  /** An image of more bytes is scaled down to `imageMaxSide` pixels, or refused where that is left out. */
  readonly maxInlineBytes?: number;
  readonly imageMaxSide?: number;
  /** URLs may lead to hosts that are not on the internet. */
  readonly allowPrivateHosts?: boolean;
  /** Requests to one host at a time. */
  readonly requestsPerHost?: number;
}

/** A regular file that is not empty, among those of a source. */
export interface SourceFile {
  /** To open it. Of a packed file (`.gz`, `.zst`) that of its unpacked copy, unless the format unpacks it. */
  readonly path: string;
  /**
   * What ids, metadata and messages use: its path below the source's root, with `/`; its own name where it is the source
   * itself. Without the extension of a packed file.
   */
  readonly name: string;
  /** For messages: a path or URL without secrets. Default: `path`. */
  readonly location?: string;
  readonly bytes: number;
  /** Milliseconds since the epoch. */
  readonly modifiedMs: number;
  /** Aborted when the source is no longer read: work that `open` has begun ends then. */
  readonly signal?: AbortSignal;
}

/** What one file yields. Faults carry positions within the file. */
export interface OpenFile {
  /** What was detected, for the user. */
  readonly description: Readonly<Record<string, string>>;
  /** As of `Source`, with `bytesRead` from the start of the file. */
  read(signal?: AbortSignal): AsyncIterable<SourceBatch>;
}

/** How sure a format is of a file: `certain` by its bytes, whatever its name; `likely` by its name. */
export type Likelihood = 'certain' | 'likely' | 'no';

/**
 * A kind of files: a folder or file beside this one, with its line in `formats.ts`. All methods may be called for
 * several files at a time.
 */
export interface FileFormat<Options = FormatOptions> {
  /** One lower-case word, stable: `csv`. */
  readonly name: string;
  /** By the first 4 KiB, unpacked, and the file's name. Never throws. */
  sniff(head: Uint8Array, name: string): Likelihood;
  /**
   * Reads as little as it needs to find the file's form. Rejects with a poison error where the file's bytes are at
   * fault: it becomes one dead letter; and with a `UsageError` for what the user must change: of a file among others
   * that is a dead letter too.
   */
  open(file: SourceFile, options: Options): Promise<OpenFile>;
  /**
   * How many files may be open at a time. `open` then begins the work, so that files are worked on side by side; they
   * are still read in order. Default 1.
   */
  readonly filesAtOnce?: number;
  /** True where the id of each record is its file's name, or begins with it and `#`: so it is known whose a record is. */
  readonly idsByName?: boolean;
  /** True where `open` takes a packed file (`.gz`, `.zst`) as it is, so that it need not be unpacked to the disk first. */
  readonly unpacks?: boolean;
}
