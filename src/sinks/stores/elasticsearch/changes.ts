import type { Metadata } from '../../../record/types.ts';
import type { Json } from './answers.ts';
import type { BulkBody } from './bulk-body.ts';

/**
 * What a document becomes: a text is its new JSON, null deletes it, undefined leaves it as it is.
 *
 * @param present undefined where there is none.
 */
export type Rewrite = (present: Json | undefined) => string | null | undefined;

/**
 * How the changes of one topic become documents. Both topics write to the same documents, in any order and at once, so
 * each writes the fields that are its own, in one action that the server carries out whole. Where that is not enough
 * (a deletion, a field that the new version does not have), the document is read and written again, on condition that
 * nobody has touched it in between.
 */
export interface ChangeKind<Change> {
  /** Bytes that an action will have, roughly. */
  sizeOf(change: Change): number;
  /** The metadata that its document may get. */
  metadataOf(change: Change): Metadata | undefined;
  /** Appends the lines of an action; false where the document has to be rewritten instead. */
  encode(change: Change, body: BulkBody): boolean;
  /**
   * Whether the document has to be rewritten after all.
   *
   * @param source of the document as the action has left it, the fields that the action asked for.
   */
  isUnfinished(change: Change, source: Json): boolean;
  rewriteOf(change: Change): Rewrite;
  isDeletion(change: Change): boolean;
}

/** Several attempts of its own: the topics' writers meet in one document. */
export const RETRIES_ON_CONFLICT = 5;

export function updateLine(id: string): string {
  return `{"update":{"_id":${JSON.stringify(id)},"retry_on_conflict":${RETRIES_ON_CONFLICT}}}\n`;
}

/** The fields of a document that are `keys`, as members of a JSON object; those it lacks are left out. */
export function membersOf(present: Json | undefined, keys: readonly string[]): string[] {
  return keys.flatMap((key) => {
    const value = present?.[key];
    return value === undefined || value === null ? [] : [`"${key}":${JSON.stringify(value)}`];
  });
}

export function has(present: Json | undefined, key: string): boolean {
  return present?.[key] !== undefined && present[key] !== null;
}
