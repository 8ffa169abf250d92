/** A piece of a text: UTF-16 units from `start` up to, not including, `end`. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

export interface RecursiveSplitOptions {
  /** Greatest length of a chunk, in the units of `lengthOf`. */
  readonly chunkSize: number;
  /** Up to this much of a chunk's end begins the next one as well. Less than `chunkSize`. */
  readonly chunkOverlap: number;
  /** Length of a piece of text; UTF-16 units unless given. Must answer the same for the same text. */
  readonly lengthOf?: (piece: string) => number;
}

/** What a text is split at, the first that occurs in it; the empty one splits between characters. */
const SEPARATORS = ['\n\n', '\n', ' ', ''] as const;

interface Piece extends TextRange {
  readonly length: number;
}

/**
 * LangChain's RecursiveCharacterTextSplitter with its default separators, as ranges of the text: `text.slice(start, end)`
 * are the chunks that `@langchain/textsplitters` yields, in its order. One thing differs: a pair of surrogates is never
 * cut in two, which would leave two characters that no encoding has.
 */
export function splitRecursively(text: string, options: RecursiveSplitOptions): TextRange[] {
  const chunks: TextRange[] = [];
  splitRange({ text, ...options }, { start: 0, end: text.length }, 0, chunks);
  return chunks;
}

interface Work extends RecursiveSplitOptions {
  readonly text: string;
}

function splitRange(work: Work, range: TextRange, firstSeparator: number, chunks: TextRange[]): void {
  const level = separatorFor(work.text, range, firstSeparator);
  const separator = SEPARATORS[level] ?? '';
  let small: Piece[] = [];
  for (const piece of piecesOf(work, range, separator)) {
    if (piece.length < work.chunkSize) {
      small.push(piece);
      continue;
    }
    if (small.length > 0) mergePieces(work, small, chunks);
    small = [];
    // As LangChain does: what can't be split further is a chunk as it is, untrimmed.
    if (separator === '') chunks.push({ start: piece.start, end: piece.end });
    else splitRange(work, piece, level + 1, chunks);
  }
  if (small.length > 0) mergePieces(work, small, chunks);
}

function separatorFor(text: string, { start, end }: TextRange, first: number): number {
  for (let level = first; level < SEPARATORS.length - 1; level++) {
    const separator = SEPARATORS[level] ?? '';
    const found = text.indexOf(separator, start);
    if (found >= 0 && found + separator.length <= end) return level;
  }
  return SEPARATORS.length - 1;
}

/** The pieces of a range, each but the first beginning with the separator. They are contiguous and cover the range. */
function* piecesOf(work: Work, { start, end }: TextRange, separator: string): Generator<Piece> {
  const { text, lengthOf } = work;
  const piece = (from: number, to: number): Piece => ({
    start: from,
    end: to,
    length: lengthOf === undefined ? to - from : lengthOf(text.slice(from, to)),
  });
  let from = start;
  while (from < end) {
    let to: number;
    if (separator === '') {
      to = from + (isPair(text, from) && from + 2 <= end ? 2 : 1);
    } else {
      // Occurrences may overlap: three line ends are two places to split at.
      to = text.indexOf(separator, from + 1);
      if (to < 0 || to + separator.length > end) to = end;
    }
    yield piece(from, to);
    from = to;
  }
}

function isPair(text: string, at: number): boolean {
  return (text.codePointAt(at) ?? 0) > 0xffff;
}

/** Packs neighbouring pieces into chunks as large as `chunkSize` allows, each beginning with the end of the last. */
function mergePieces({ text, chunkSize, chunkOverlap }: Work, pieces: readonly Piece[], chunks: TextRange[]): void {
  let first = 0;
  let total = 0;
  const emit = (until: number): void => {
    const range = trimmed(text, pieces[first]?.start ?? 0, pieces[until - 1]?.end ?? 0);
    if (range !== undefined) chunks.push(range);
  };
  pieces.forEach((piece, index) => {
    if (total + piece.length > chunkSize && first < index) {
      emit(index);
      while (total > chunkOverlap || (total + piece.length > chunkSize && total > 0)) {
        total -= pieces[first]?.length ?? 0;
        first++;
      }
    }
    total += piece.length;
  });
  emit(pieces.length);
}

function trimmed(text: string, start: number, end: number): TextRange | undefined {
  const piece = text.slice(start, end);
  const head = piece.trimStart();
  if (head === '') return undefined;
  const from = start + piece.length - head.length;
  return { start: from, end: from + head.trimEnd().length };
}
