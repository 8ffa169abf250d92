import type { Metadata, MetadataValue } from '../record/types.ts';

/**
 * Reads fields of avsc's decoded form (`wrapUnions: 'always'`: a union's value is null or an object with one key, the
 * branch). Types were checked by avsc against the schema, so what is left is to unwrap.
 */
export function unwrap(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  return Object.values(value)[0];
}

export function optional(value: unknown): unknown {
  return unwrap(value) ?? undefined;
}

export function metadataField(value: unknown): Metadata {
  const entries = Object.entries(value as Record<string, unknown>);
  return new Map(entries.map(([key, wrapped]) => [key, unwrap(wrapped) as MetadataValue]));
}
