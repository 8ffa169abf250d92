import { isUtf8 } from 'node:buffer';
import { opendir } from 'node:fs/promises';

/** Names in memory at a time, twice this at most: some 2 MB. */
const BLOCK = 8_192;

/**
 * The names in a folder in the order of their code units, of which only a block is ever in memory: a folder of more is
 * scanned once a block. A name that is not valid UTF-8 is undefined; all of these come first. Rejects as `opendir`.
 */
export async function* sortedNames(folder: string, block = BLOCK): AsyncGenerator<string | undefined> {
  let after: string | undefined;
  for (let isFirst = true; ; isFirst = false) {
    let least: string[] = [];
    let isCut = false;
    for await (const { name } of await opendir(folder, { encoding: 'buffer' as BufferEncoding })) {
      const text = decoded(name);
      if (text === undefined) {
        if (isFirst) yield undefined;
      } else if (after === undefined || text > after) {
        least.push(text);
        if (least.length < 2 * block) continue;
        least = least.sort(byCodeUnits).slice(0, block);
        isCut = true;
      }
    }
    least.sort(byCodeUnits);
    if (least.length > block) isCut = true;
    least = least.slice(0, block);
    yield* least;
    after = least.at(-1);
    if (!isCut || after === undefined) return;
  }
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** With the encoding "buffer", which the types don't know, names are bytes. */
function decoded(name: unknown): string | undefined {
  if (!(name instanceof Uint8Array)) return String(name);
  // Any other's text is another name, under which there is no file.
  return isUtf8(name) ? Buffer.from(name).toString() : undefined;
}
