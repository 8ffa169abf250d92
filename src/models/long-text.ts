/**
 * What becomes of a text with more tokens than the model reads: cut there; embedded in windows of that many, whose mean is
 * its vector; or a dead letter. Nothing heavy: the descriptions of commands name them.
 */
export const LONG_TEXTS = ['truncate', 'chunk-mean', 'refuse'] as const;
export type LongText = (typeof LONG_TEXTS)[number];
