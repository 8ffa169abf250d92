import type { Chunk, SplitMode } from './messages.ts';
import { splitRecursively, type TextRange } from './recursive-splitter.ts';

export interface ChunkOptions {
  readonly mode: SplitMode;
  readonly chunkSize: number;
  readonly chunkOverlap: number;
  /** Length of a text in what `chunkSize` counts, where that is not UTF-16 units. */
  readonly lengthOf?: (piece: string) => number;
}

/** Between the pages of a document: what LangChain puts between documents it joins. */
const PAGE_BREAK = '\n\n';
/** A page that is longer is more than one chunk: a record has to fit into the log. */
const MAX_PAGE_UNITS = 1 << 20;

/** The chunks of a document, in order: its pages, or its text over all pages as LangChain splits it. */
export function* chunkDocument(pages: readonly string[], options: ChunkOptions): Generator<Chunk> {
  if (options.mode === 'page') {
    for (const [index, page] of pages.entries()) {
      for (const range of splitRecursively(page, { chunkSize: MAX_PAGE_UNITS, chunkOverlap: 0 }))
        yield [page.slice(range.start, range.end), index + 1, index + 1];
    }
    return;
  }
  const text = pages.join(PAGE_BREAK);
  const pageAt = pageFinder(pages);
  for (const range of splitRecursively(text, options)) {
    const [first, last] = pageAt(range);
    yield [text.slice(range.start, range.end), first, last];
  }
}

/** Which pages a range of the joined text is on. Ranges come in the order in which they begin. */
function pageFinder(pages: readonly string[]): (range: TextRange) => [first: number, last: number] {
  const ends: number[] = [];
  let end = 0;
  for (const page of pages) {
    end += page.length + PAGE_BREAK.length;
    ends.push(end);
  }
  let first = 0;
  return (range) => {
    while (first < ends.length - 1 && range.start >= (ends[first] ?? Infinity)) first++;
    let last = first;
    while (last < ends.length - 1 && range.end > (ends[last] ?? Infinity)) last++;
    return [first + 1, last + 1];
  };
}
