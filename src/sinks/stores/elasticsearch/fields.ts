/**
 * The document of a record, which is what searches rely on. `_id` is the record's id.
 *
 *     { source, text, metadata: {…}, page, chunk, image, createdAt,       of the record
 *       embeddings: { <model>: (dimension,) float32 },
 *       embedded: { <model>: { createdAt, fingerprint } },                of the embedding of that model
 *       deleted: true }                                                   only where the alias leaves it out
 */

/**
 * The field name of a model, by which `embeddings.<field>` has its vectors: models' names may hold dots, which
 * Elasticsearch takes for the bounds of objects.
 */
export function modelField(model: string): string {
  return model.replaceAll('.', '_');
}

/** The field of a model's field name that tells when its embedding was made; there where the embedding is. */
export function embeddedAtField(field: string): string {
  return `embedded.${field}.createdAt`;
}

/** Of the alias: documents of deleted records wait unseen for what is still to come for them. */
export const VISIBLE = { bool: { must_not: { term: { deleted: true } } } } as const;

/** `_id` of Elasticsearch is shorter than a record's id may be. Bytes of UTF-8. */
export const MAX_ID_BYTES = 512;
