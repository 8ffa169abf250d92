/** What becomes of an item or fault. */
export type PublishDecision = 'created' | 'changed' | 'unchanged' | 'dead-lettered';

/** read = created + changed + unchanged + deadLettered. */
export interface PublishReport {
  readonly source: string;
  read: number;
  created: number;
  changed: number;
  unchanged: number;
  /** Rows that can't become a record, those of earlier runs included. */
  deadLettered: number;
  /** Of these, published as dead letters now. */
  newDeadLetters: number;
  deadLettersByReason: Record<string, number>;
  /** Rows that `--where` left out; not part of `read`. */
  filtered: number;
  /** Records deleted because the source no longer has them: with `prune`, and surplus parts of documents always. */
  pruned: number;
  /** Records the source no longer has that were left: no `prune`, or not confirmed. */
  vanished: number;
  /** Records of files that are there and could not be read: neither vanished nor part of `read`. */
  kept: number;
  bytesRead: number;
  /** A part of the source could not be read, so nothing counts as vanished. */
  partial: boolean;
  /** False after a stop or a limit. */
  complete: boolean;
}

export function emptyPublishReport(source: string): PublishReport {
  return {
    source,
    read: 0,
    created: 0,
    changed: 0,
    unchanged: 0,
    deadLettered: 0,
    newDeadLetters: 0,
    deadLettersByReason: {},
    filtered: 0,
    pruned: 0,
    vanished: 0,
    kept: 0,
    bytesRead: 0,
    partial: false,
    complete: false,
  };
}
