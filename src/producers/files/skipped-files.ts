import type { DetectedForm, FileTally } from '../port.ts';

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

/** Forms that are told of each kind: in a folder of tables each may have its own. */
const MOST_FORMS = 3;

/** Counts what became of a source's files. */
export class FileCounts implements FileTally {
  readonly read: Record<string, number> = {};
  readonly detected: Record<string, DetectedForm[]> = {};
  readonly skipped: Record<string, { count: number; readonly first: string }> = {};

  countRead(format: string): void {
    this.read[format] = (this.read[format] ?? 0) + 1;
  }

  /** Of a file that could be opened: what it was found to be. */
  countForm(format: string, description: Readonly<Record<string, string>>, name: string): void {
    const form = Object.entries(description)
      .map(([what, value]) => `${what} ${value}`)
      .join(', ');
    const forms = (this.detected[format] ??= []);
    const known = forms.findIndex((each) => each.form === form);
    const before = forms[known];
    if (before !== undefined) forms[known] = { ...before, files: before.files + 1 };
    else if (forms.length < MOST_FORMS) forms.push({ form, files: 1, first: shownName(name) });
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
