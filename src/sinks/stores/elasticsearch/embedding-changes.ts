import type { Embedding } from '../../../record/types.ts';
import type { EmbeddingChange } from '../port.ts';
import { type Json, objectIn } from './answers.ts';
import type { BulkBody } from './bulk-body.ts';
import { type ChangeKind, has, membersOf, updateLine } from './changes.ts';
import { metadataJson } from './document-json.ts';

const OTHER_BYTES = 400;
/** Of a number as JSON or, twice, as base64. */
const BYTES_PER_NUMBER = 11;
const OF_SNAPSHOT = ['text', 'metadata'] as const;

/**
 * An embedding adds its model's vector to the document of its record. Where there is no record (yet, or it was imported
 * without one), it makes a document of its own with the text and metadata that it carries; a record that comes later
 * replaces those. A deleted embedding takes the vector out, and a document that was of embeddings alone with its last.
 *
 * @param field of the model's name.
 * @param vectorJson of one vector, as the server reads it.
 */
export function embeddingChanges(
  field: string,
  vectorJson: (vector: Float32Array) => string,
): ChangeKind<EmbeddingChange> {
  return {
    sizeOf: ({ id, embedding }) =>
      OTHER_BYTES +
      id.length +
      (embedding === null ? 0 : embedding.dimension * BYTES_PER_NUMBER + sizeOfSnapshot(embedding)),
    metadataOf: ({ embedding }) => embedding?.metadata,
    encode({ id, embedding }, body) {
      if (embedding === null) return false;
      body.text(updateLine(id)).text('{"doc":{');
      vectorMembers(field, embedding, body, () => body.vector(embedding.vector));
      body.text(`},"upsert":{${snapshot(embedding)},`);
      vectorMembers(field, embedding, body, () => body.sameVector());
      body.text('},"_source":["source","deleted"]}\n').endAction();
      return true;
    },
    // A document of embeddings alone, which may have another text by now.
    isUnfinished: ({ embedding }, source) => embedding !== null && !has(source, 'source') && !has(source, 'deleted'),
    rewriteOf: ({ embedding }) =>
      embedding === null
        ? (present) => without(field, present)
        : (present) => renewed(field, embedding, vectorJson, present),
    isDeletion: ({ embedding }) => embedding === null,
  };
}

function vectorMembers(field: string, embedding: Embedding, body: BulkBody, writeVector: () => void): void {
  body.text(`"embeddings":{"${field}":`);
  writeVector();
  body.text(`},"embedded":{"${field}":${embeddedJson(embedding)}}`);
}

function embeddedJson({ createdAt, fingerprint }: Embedding): string {
  return `{"createdAt":${createdAt},"fingerprint":"${fingerprint}"}`;
}

function snapshot({ text, metadata }: Embedding): string {
  return `${text === undefined ? '' : `"text":${JSON.stringify(text)},`}"metadata":${metadataJson(metadata)}`;
}

function sizeOfSnapshot({ text = '', metadata }: Embedding): number {
  return text.length + metadata.size * 32;
}

/** A document of embeddings alone, with the text and metadata of this one. */
function renewed(
  field: string,
  embedding: Embedding,
  vectorJson: (vector: Float32Array) => string,
  present: Json | undefined,
): string | undefined {
  // It went in between, with the last of its other embeddings.
  if (present === undefined) {
    const vector = `"embeddings":{"${field}":${vectorJson(embedding.vector)}}`;
    return `{${snapshot(embedding)},${vector},"embedded":{"${field}":${embeddedJson(embedding)}}}`;
  }
  if (has(present, 'source') || has(present, 'deleted')) return undefined;
  const wanted = snapshot(embedding);
  if (membersOf(present, OF_SNAPSHOT).join() === wanted) return undefined;
  return `{${[wanted, ...membersOf(present, ['embeddings', 'embedded'])].join()}}`;
}

/** The document without this model's vector: null where nothing else is in it. */
function without(field: string, present: Json | undefined): string | null | undefined {
  const embeddings = objectIn(present, 'embeddings') ?? {};
  const embedded = objectIn(present, 'embedded') ?? {};
  if (present === undefined || (!has(embeddings, field) && !has(embedded, field))) return undefined;
  const leftEmbedded = omit(embedded, field);
  if (Object.keys(leftEmbedded).length > 0)
    return JSON.stringify({ ...present, embeddings: omit(embeddings, field), embedded: leftEmbedded });
  if (!has(present, 'source') && !has(present, 'deleted')) return null;
  return JSON.stringify(omit(omit(present, 'embeddings'), 'embedded'));
}

function omit(object: Json, key: string): Json {
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
}
