import { messageOf } from '../../errors.ts';
import type { LongText } from '../long-text.ts';
import type { TokenisedTexts } from './messages.ts';
import type { TextTokenizer } from './text-tokenizer.ts';

export interface TokeniseOptions {
  readonly longText: LongText;
  /** What each of the texts begins with, and each further window of it is to begin with. */
  readonly prefix: string;
}

/** A chunk's texts, made ready to be embedded; a text that the tokenizer can't take is refused, and the others go on. */
export function tokeniseTexts(
  tokenizer: TextTokenizer,
  texts: readonly string[],
  { longText, prefix }: TokeniseOptions,
): TokenisedTexts {
  const ids: number[] = [];
  const lengths: number[] = [];
  const weights: number[] = [];
  const rows = new Uint32Array(texts.length);
  const truncated = new Uint8Array(texts.length);
  const refused: [number, string, string?][] = [];
  const addRow = (row: readonly number[], weight: number): void => {
    for (const id of row) ids.push(id);
    lengths.push(row.length);
    weights.push(weight);
  };
  texts.forEach((text, index) => {
    try {
      const { ids: whole, truncated: isLong } = tokenizer.tokenise(text);
      if (isLong && longText === 'refuse') {
        const reason = `it has ${tokenizer.count(text)} tokens, and the model reads ${tokenizer.maxTokens} (--long-text=truncate cuts it, chunk-mean embeds all of it)`;
        refused.push([index, reason, 'INPUT_TOO_LONG']);
        return;
      }
      if (isLong && longText === 'chunk-mean') {
        const windows = tokenizer.windows(text, prefix);
        for (const window of windows) addRow(window.ids, window.weight);
        rows[index] = windows.length;
        return;
      }
      addRow(whole, 1);
      rows[index] = 1;
      truncated[index] = isLong ? 1 : 0;
    } catch (error) {
      refused.push([index, messageOf(error)]);
    }
  });
  return {
    ids: Int32Array.from(ids),
    lengths: Uint32Array.from(lengths),
    weights: Uint32Array.from(weights),
    rows,
    truncated,
    refused,
  };
}
