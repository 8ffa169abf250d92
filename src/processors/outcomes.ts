/** Each record a processor reads ends as exactly one of these. */
export interface ProcessCounts {
  read: number;
  embedded: number;
  /** The ledger has the same identity. */
  skipped: number;
  /** A later version of the id is in the same batch. */
  superseded: number;
  /** The model reads no part that the record has. */
  notApplicable: number;
  deleted: number;
  deadLettered: number;
  /** Of the embedded, those that got the vector of an equal content: */
  reused: number;
  /** Of the others among the embedded: */
  tokens: number;
  truncated: number;
  deadLettersByReason: Record<string, number>;
}

export function emptyCounts(): ProcessCounts {
  return {
    read: 0,
    embedded: 0,
    skipped: 0,
    superseded: 0,
    notApplicable: 0,
    deleted: 0,
    deadLettered: 0,
    reused: 0,
    tokens: 0,
    truncated: 0,
    deadLettersByReason: {},
  };
}

export function addCounts(total: ProcessCounts, part: ProcessCounts): void {
  total.read += part.read;
  total.embedded += part.embedded;
  total.skipped += part.skipped;
  total.superseded += part.superseded;
  total.notApplicable += part.notApplicable;
  total.deleted += part.deleted;
  total.deadLettered += part.deadLettered;
  total.reused += part.reused;
  total.tokens += part.tokens;
  total.truncated += part.truncated;
  for (const [reason, count] of Object.entries(part.deadLettersByReason))
    total.deadLettersByReason[reason] = (total.deadLettersByReason[reason] ?? 0) + count;
}

/** The sum that must equal `read`. */
export function accountedFor(counts: ProcessCounts): number {
  return (
    counts.embedded + counts.skipped + counts.superseded + counts.notApplicable + counts.deleted + counts.deadLettered
  );
}
