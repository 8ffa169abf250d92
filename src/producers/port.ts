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
  /** 1-based line (or row) where the item begins. */
  readonly line: number;
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
  readonly line: number;
  /** The original bytes, untouched. */
  readonly raw: Uint8Array;
}

/** Items and faults in source order; `bytesRead` counts from the start of the source. */
export interface SourceBatch {
  readonly items: readonly (SourceItem | SourceFault)[];
  /** Rows a `where` left out, in this batch. */
  readonly filtered: number;
  readonly bytesRead: number;
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
  read(signal?: AbortSignal): AsyncIterable<SourceBatch>;
}
