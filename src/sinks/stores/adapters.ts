import type { StoreAdapter } from './port.ts';

/**
 * Every kind of store, by the name that `sink` takes (the same as in src/cli/definitions/stores/index.ts). Their clients
 * are heavy: each is loaded when it is first needed.
 */
const adapters: Readonly<Record<string, () => Promise<StoreAdapter>>> = {
  pgvector: async () => (await import('./postgres/adapter.ts')).pgvector,
  lancedb: async () => (await import('./lancedb/adapter.ts')).lancedb,
  elasticsearch: async () => (await import('./elasticsearch/adapter.ts')).elasticsearch,
};

/** undefined: no kind of store, but maybe a file format. */
export function findStoreAdapter(name: string): (() => Promise<StoreAdapter>) | undefined {
  return Object.hasOwn(adapters, name) ? adapters[name] : undefined;
}
