import { defineFlags } from '../../flags.ts';
import { elasticsearchConnectionFlags, elasticsearchSecrets, elasticsearchWritingFlags } from './elasticsearch.ts';
import { lancedbConnectionFlags, lancedbWritingFlags } from './lancedb.ts';
import { pgvectorConnectionFlags, pgvectorSecrets, pgvectorWritingFlags } from './pgvector.ts';

/** Outputs that are not files: the names of src/sinks/stores/adapters.ts. */
export const STORES = ['elasticsearch', 'pgvector', 'lancedb'] as const;

/** Where a store is and how it is reached: flags of every command that opens one, `reconcile` too. */
export const storeConnectionFlags = defineFlags({
  ...elasticsearchConnectionFlags,
  ...pgvectorConnectionFlags,
  ...lancedbConnectionFlags,
});

/** How it is written: flags of the commands that write. */
export const storeWritingFlags = defineFlags({
  ...elasticsearchWritingFlags,
  ...pgvectorWritingFlags,
  ...lancedbWritingFlags,
});

/** Variables that hold what no flag may: for the help. */
export const storeSecrets: readonly (readonly [names: string, description: string])[] = [
  ...elasticsearchSecrets,
  ...pgvectorSecrets,
];
