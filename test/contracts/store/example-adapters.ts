import { sqlite } from '../../../docs/examples/sqlite-store.ts';
import { findStoreAdapter as findReal } from '../../../src/sinks/stores/adapters.ts';
import type { StoreAdapter } from '../../../src/sinks/stores/port.ts';

/** Stands for src/sinks/stores/adapters.ts in a process of with-example.ts. */
export function findStoreAdapter(name: string): (() => Promise<StoreAdapter>) | undefined {
  return name === 'sqlite' ? () => Promise.resolve(sqlite) : findReal(name);
}
