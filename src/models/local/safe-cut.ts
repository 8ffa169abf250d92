/** Where a long text may be cut without changing the tokens of what lies before the cut. Pure. */

/**
 * Characters that end one word and begin another for BERT's cleaning and splitting, whatever stands around them: they
 * never combine with a neighbour (Unicode NFD) and end the context of the one lower-case mapping that looks around
 * itself (final sigma; `.`, `'`, `:` and others do not, being "case-ignorable").
 */
const BOUNDARIES = [' ', '\t', '\n', '\r', '!', ',', ';', '?'];

/** The boundaries for this tokenizer: less those that one of its added tokens, which are found before splitting, holds. */
export function boundariesFor(addedTokens: readonly string[]): ReadonlySet<number> {
  const held = addedTokens.join('');
  return new Set(
    BOUNDARIES.filter((character) => !held.includes(character)).map((character) => character.charCodeAt(0)),
  );
}

/**
 * The first position at or after `from` where the text may be cut, right behind a boundary that an ordinary ASCII
 * letter or digit follows; the text's length when there is none.
 */
export function safeCut(text: string, from: number, boundaries: ReadonlySet<number>): number {
  for (let position = Math.max(from, 1); position < text.length; position++) {
    if (boundaries.has(text.charCodeAt(position - 1)) && isPlain(text.charCodeAt(position))) return position;
  }
  return text.length;
}

/** Letters and digits of ASCII: no combining mark, no half of a surrogate pair, no part of a sequence. */
function isPlain(unit: number): boolean {
  return (unit >= 48 && unit <= 57) || (unit >= 65 && unit <= 90) || (unit >= 97 && unit <= 122);
}
