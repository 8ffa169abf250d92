/**
 * Where `@huggingface/tokenizers` (JS, 0.2.0) cleans a text otherwise than the Rust tokenizer that models are trained
 * and published with, the text is changed beforehand so that both come to the same. Pure.
 */

/** Most texts hold neither: one cheap look saves two replacements. */
const CONCERNED = /[\u03A3\uD840-\uD87F]/;
/** Ideographs beyond U+FFFF, as BERT's `is_chinese_char` lists them. */
const SUPPLEMENTARY_IDEOGRAPH =
  /[\u{20000}-\u{2A6DF}\u{2A700}-\u{2B73F}\u{2B740}-\u{2B81F}\u{2B820}-\u{2CEAF}\u{2F800}-\u{2FA1F}]/gu;

/**
 * Rust lower-cases character by character, JavaScript gives a final Σ its own form (ς, another token); and JavaScript
 * looks for ideographs by UTF-16 unit, so that those beyond U+FFFF are not set apart.
 */
export function forBertNormalizer(text: string): string {
  if (!CONCERNED.test(text)) return text;
  return text.replaceAll('\u03A3', '\u03C3').replaceAll(SUPPLEMENTARY_IDEOGRAPH, ' $& ');
}
