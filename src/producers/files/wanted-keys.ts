import type { FormatOptions } from '../port.ts';

/** Which metadata of a document is kept, of what its format knows. */
export function wantedKeys(metadata: FormatOptions['metadata']): (key: string) => boolean {
  if (metadata === undefined || metadata === 'all') return () => true;
  if (metadata === 'none') return () => false;
  const keys = new Set(typeof metadata === 'string' ? [metadata] : metadata);
  return (key) => keys.has(key);
}
