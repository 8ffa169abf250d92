import type { Metadata, MetadataValue } from '../../../record/types.ts';

/** Metadata as a JSON object, in its order. What JSON has no number for (NaN, infinities) becomes null. */
export function metadataJson(metadata: Metadata): string {
  const fields: string[] = [];
  for (const [key, value] of metadata) fields.push(`${JSON.stringify(key)}:${valueJson(value)}`);
  return `{${fields.join()}}`;
}

function valueJson(value: MetadataValue): string {
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value);
}
