import { TextTokenizer } from '../../models/local/text-tokenizer.ts';

const CACHED_PIECES = 50_000;

/** Counts the tokens of a piece of text, without those that stand around a whole text. Words come again and again. */
export function tokenLength({
  path,
  configPath,
}: {
  readonly path: string;
  readonly configPath: string;
}): (piece: string) => number {
  const tokenizer = new TextTokenizer({
    tokenizerPath: path,
    tokenizerConfigPath: configPath,
    maxTokens: Number.MAX_SAFE_INTEGER,
    lowerCase: false,
  });
  const around = tokenizer.tokenise('').ids.length;
  const known = new Map<string, number>();
  return (piece) => {
    const before = known.get(piece);
    if (before !== undefined) return before;
    const length = tokenizer.tokenise(piece).ids.length - around;
    if (piece.length > 64) return length;
    if (known.size >= CACHED_PIECES) known.clear();
    known.set(piece, length);
    return length;
  };
}
