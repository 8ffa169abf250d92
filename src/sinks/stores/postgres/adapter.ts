import type { StoreAdapter } from '../port.ts';
import { locateTable } from './location.ts';
import { PgvectorStore } from './pgvector-store.ts';

/** A table of Postgres with pgvector. */
export const pgvector: StoreAdapter = {
  name: 'pgvector',
  locate: (options, environment) => locateTable(options, environment),
  open: (options) => Promise.resolve(new PgvectorStore(options)),
};
