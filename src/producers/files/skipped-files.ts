import type { FileTally } from '../port.ts';

/** Why a file, link or folder is left out; as the report says it. */
export type SkipReason =
  | 'of unknown kind'
  | 'empty'
  | 'hidden'
  | 'no regular file (FIFO, socket or device)'
  | 'link out of the source'
  | 'link to a folder'
  | 'link to nothing'
  | 'name that is not UTF-8'
  | 'gone before it was read';

/** Counts what became of a source's files. */
export class FileCounts implements FileTally {
  readonly read: Record<string, number> = {};
  readonly skipped: Record<string, { count: number; readonly first: string }> = {};

  countRead(format: string): void {
    this.read[format] = (this.read[format] ?? 0) + 1;
  }

  skip(reason: SkipReason, name: string): void {
    const known = this.skipped[reason];
    if (known === undefined) this.skipped[reason] = { count: 1, first: shownName(name) };
    else known.count++;
  }
}

/** A file's name for a line of text: names may hold line breaks and terminal codes. */
export function shownName(name: string): string {
  return /\p{C}/u.test(name) ? JSON.stringify(name) : name;
}
