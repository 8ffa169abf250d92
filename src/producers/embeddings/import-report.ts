/** read = created + changed + unchanged + superseded + deadLettered. */
export interface ImportReport {
  readonly source: string;
  readonly model: string;
  /** Left out: no row has said it. */
  dimension?: number;
  /** Files of embeddings. */
  files: number;
  /** What is no file of embeddings, or one of another model; the first names. */
  skippedFiles: number;
  readonly skippedNames: string[];
  read: number;
  created: number;
  changed: number;
  /** Imported before as it is, or embedded here with the same identity. */
  unchanged: number;
  /** Rows of our own shards that a later one replaces. */
  superseded: number;
  /** Rows and files that can't be imported, those of earlier runs included. */
  deadLettered: number;
  newDeadLetters: number;
  deadLettersByReason: Record<string, number>;
  /** With `trust`: rows of which neither the file nor the log has the text, so that nothing could be trusted. */
  withoutText: number;
  pruned: number;
  vanished: number;
  bytesRead: number;
  complete: boolean;
}

const SHOWN_NAMES = 5;

export function emptyImportReport(source: string, model: string): ImportReport {
  return {
    source,
    model,
    files: 0,
    skippedFiles: 0,
    skippedNames: [],
    read: 0,
    created: 0,
    changed: 0,
    unchanged: 0,
    superseded: 0,
    deadLettered: 0,
    newDeadLetters: 0,
    deadLettersByReason: {},
    withoutText: 0,
    pruned: 0,
    vanished: 0,
    bytesRead: 0,
    complete: false,
  };
}

export function countSkipped(report: ImportReport, name: string): void {
  report.skippedFiles++;
  if (report.skippedNames.length < SHOWN_NAMES) report.skippedNames.push(name);
}
