/** Reading of answers whose shape is Elasticsearch's: what is not there, or not of the kind, is undefined. */

export type Json = Readonly<Record<string, unknown>>;

export function objectIn(value: unknown, key: string): Json | undefined {
  return asObject(asObject(value)?.[key]);
}

export function asObject(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

export function arrayIn(value: unknown, key: string): readonly unknown[] {
  const found = asObject(value)?.[key];
  return Array.isArray(found) ? found : [];
}

export function textIn(value: unknown, key: string): string | undefined {
  const found = asObject(value)?.[key];
  return typeof found === 'string' ? found : undefined;
}

export function numberIn(value: unknown, key: string): number | undefined {
  const found = asObject(value)?.[key];
  return typeof found === 'number' ? found : undefined;
}
