/** What stands for an array's entry: a text, null for NULL, or entries of their own. */
export type ArrayEntry = string | null | readonly ArrayEntry[];

/**
 * Reads an array as Postgres writes it: `{a,"b, c",NULL,{d}}`, with bounds before it where they are not from 1 on
 * (`[0:1]={a,b}`). Undefined for what is none (`int2vector` is written otherwise).
 * Source: https://www.postgresql.org/docs/16/arrays.html#ARRAYS-IO
 */
export function parseArrayText(text: string): readonly ArrayEntry[] | undefined {
  const from = text.startsWith('[') ? text.indexOf('=') + 1 : 0;
  if (text[from] !== '{') return undefined;
  const open: ArrayEntry[][] = [];
  for (let at = from; at < text.length;) {
    const character = text[at];
    if (character === '{') {
      const inner: ArrayEntry[] = [];
      open.at(-1)?.push(inner);
      open.push(inner);
      at++;
    } else if (character === '}') {
      const closed = open.pop();
      at++;
      if (open.length === 0) return at === text.length ? closed : undefined;
    } else if (character === ',') at++;
    else {
      const { entry, end } = character === '"' ? quoted(text, at + 1) : plain(text, at);
      open.at(-1)?.push(entry);
      at = end;
    }
  }
  return undefined;
}

function quoted(text: string, from: number): { readonly entry: string; readonly end: number } {
  let entry = '';
  let at = from;
  while (at < text.length && text[at] !== '"') {
    if (text[at] === '\\') at++;
    entry += text[at] ?? '';
    at++;
  }
  return { entry, end: at + 1 };
}

function plain(text: string, from: number): { readonly entry: string | null; readonly end: number } {
  let end = from;
  while (end < text.length && text[end] !== ',' && text[end] !== '}') end++;
  const entry = text.slice(from, end);
  return { entry: entry === 'NULL' ? null : entry, end };
}
