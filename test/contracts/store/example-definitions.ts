import { defineFlags } from '../../../src/cli/flags.ts';
import * as real from '../../../src/cli/definitions/stores/index.ts';

/** Stands for src/cli/definitions/stores/index.ts in a process of with-example.ts. */
export const STORES = [...real.STORES, 'sqlite'] as const;

export const storeConnectionFlags = defineFlags({
  ...real.storeConnectionFlags,
  sqliteFile: { type: 'string', placeholder: 'FILE', description: 'The SQLite file' },
});

export const { storeWritingFlags, storeSecrets } = real;
