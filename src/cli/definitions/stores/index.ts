import { defineFlags } from '../../flags.ts';

/** Outputs that are not files: the names of src/sinks/stores/adapters.ts. */
export const STORES = [] as const;

/** Where a store is and how it is reached: flags of every command that opens one, `reconcile` too. */
export const storeConnectionFlags = defineFlags({});

/** How it is written: flags of the commands that write. */
export const storeWritingFlags = defineFlags({});

/** Variables that hold what no flag may: for the help. */
export const storeSecrets: readonly (readonly [names: string, description: string])[] = [];
