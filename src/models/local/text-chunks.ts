/** How a window's texts are shared out for tokenising. Pure. */

const CHUNK_TEXTS = 64;
const CHUNK_UNITS = 64 * 1024;

/** Runs of texts, in order, as [first, end): few enough units that a worker is soon free for a batch again. */
export function textChunks(texts: readonly string[]): [first: number, end: number][] {
  const chunks: [number, number][] = [];
  let first = 0;
  let units = 0;
  texts.forEach((text, index) => {
    if (index > first && (index - first >= CHUNK_TEXTS || units + text.length > CHUNK_UNITS)) {
      chunks.push([first, index]);
      first = index;
      units = 0;
    }
    units += text.length;
  });
  if (first < texts.length) chunks.push([first, texts.length]);
  return chunks;
}
