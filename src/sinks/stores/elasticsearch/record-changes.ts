import type { SourceRecord } from '../../../record/types.ts';
import type { RecordChange } from '../port.ts';
import { type Json, objectIn } from './answers.ts';
import { type ChangeKind, has, membersOf, updateLine } from './changes.ts';
import { metadataJson } from './document-json.ts';

const OF_EMBEDDINGS = ['embeddings', 'embedded'] as const;
/** They may be missing from a record that had them before. */
const OPTIONAL = ['text', 'page', 'chunk', 'image'] as const;
const OTHER_BYTES = 300;

/**
 * A record's values are its document's. A deleted record's document stays, unseen, with the embeddings that it has: a
 * later embedding of it adds to what nobody sees, and one that was there before comes back with the record.
 */
export const recordChanges: ChangeKind<RecordChange> = {
  sizeOf: ({ id, record }) => OTHER_BYTES + id.length + (record?.text?.length ?? 0) + (record?.metadata.size ?? 0) * 32,
  metadataOf: ({ record }) => record?.metadata,
  encode({ id, record }, body) {
    if (record === null) return false;
    // Only what must not be there is asked for.
    const asked = ['deleted', 'metadata', ...lacking(record)];
    body.text(updateLine(id));
    body.text(`{"doc":{${members(record).join()}},"doc_as_upsert":true,"_source":${JSON.stringify(asked)}}\n`);
    body.endAction();
    return true;
  },
  isUnfinished({ record }, source) {
    if (record === null) return false;
    const hasLeftOver = has(source, 'deleted') || lacking(record).some((key) => has(source, key));
    return hasLeftOver || Object.keys(objectIn(source, 'metadata') ?? {}).some((key) => !record.metadata.has(key));
  },
  rewriteOf:
    ({ record }) =>
    (present) => {
      const kept = membersOf(present, OF_EMBEDDINGS);
      if (record !== null) return `{${[...members(record), ...kept].join()}}`;
      return isTombstone(present) ? undefined : `{${['"deleted":true', ...kept].join()}}`;
    },
  isDeletion: ({ record }) => record === null,
};

function isTombstone(present: Json | undefined): boolean {
  return has(present, 'deleted') && !has(present, 'source');
}

function members(record: SourceRecord): string[] {
  const { source, text, metadata, page, chunk, image, createdAt } = record;
  return [
    `"source":${JSON.stringify(source)}`,
    ...(text === undefined ? [] : [`"text":${JSON.stringify(text)}`]),
    `"metadata":${metadataJson(metadata)}`,
    ...(page === undefined ? [] : [`"page":${page}`]),
    ...(chunk === undefined ? [] : [`"chunk":${chunk}`]),
    ...(image === undefined ? [] : [`"image":${JSON.stringify({ mime: image.mime, uri: image.uri })}`]),
    `"createdAt":${createdAt}`,
  ];
}

function lacking(record: SourceRecord): string[] {
  return OPTIONAL.filter((key) => record[key] === undefined);
}
