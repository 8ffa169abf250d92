/** Moves whenever the same text would yield other token ids; part of the fingerprint. */
export const PREPROCESSING_VERSION = 'tokenizer.json-1';
