/** Moves whenever the same text would yield other token ids; part of the fingerprint. */
export const PREPROCESSING_VERSION = 'tokenizer.json-1';
/** Moves whenever the same image would yield other pixels under the same preprocessor_config.json. */
export const IMAGE_PREPROCESSING_VERSION = 'image-1';
