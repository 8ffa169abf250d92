import { UsageError } from '../../errors.ts';

/**
 * Column names of a header: trimmed, an empty one named after its place (`column 3`), a repeated one numbered
 * (`Name (2)`), so that each name stands for one column.
 */
export function columnNames(header: readonly string[]): string[] {
  const taken = new Set<string>();
  return header.map((cell, index) => {
    const base = cell === '' ? `column ${index + 1}` : cell;
    let name = base;
    for (let copy = 2; taken.has(name); copy++) name = `${base} (${copy})`;
    taken.add(name);
    return name;
  });
}

/** Lower case without blanks and punctuation, for comparing names: `Object ID`, `object_id`, `objectId`. */
export function plainName(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}

/** Index of a column by its name; case and punctuation may differ when only one column fits. */
export function columnIndex(names: readonly string[], wanted: string): number {
  const exact = names.indexOf(wanted.trim());
  if (exact >= 0) return exact;
  const plain = plainName(wanted);
  const close = names.flatMap((name, index) => (plainName(name) === plain && plain !== '' ? [index] : []));
  return close.length === 1 ? (close[0] ?? -1) : -1;
}

/** As `columnIndex`, but an unknown name is a `UsageError` that lists the columns. `flag` says where it was given. */
export function requireColumn(names: readonly string[], wanted: string, flag: string): number {
  const index = columnIndex(names, wanted);
  if (index >= 0) return index;
  const near = nearestColumn(names, wanted);
  const hint = near === undefined ? '' : ` Did you mean "${near}"?`;
  throw new UsageError(`${flag}: there is no column "${wanted.trim()}".${hint} ${listColumns(names)}`);
}

/** Columns of a comma-separated list or an array; a name may hold a comma itself. */
export function requireColumns(names: readonly string[], list: string | readonly string[], flag: string): number[] {
  if (typeof list !== 'string') return list.map((name) => requireColumn(names, name, flag));
  const pieces = list.split(',');
  const indexes: number[] = [];
  for (let from = 0; from < pieces.length;) {
    let to = pieces.length;
    while (to > from + 1 && columnIndex(names, pieces.slice(from, to).join(',')) < 0) to--;
    indexes.push(requireColumn(names, pieces.slice(from, to).join(','), flag));
    from = to;
  }
  return indexes;
}

export function listColumns(names: readonly string[]): string {
  return `The columns are: ${names.map((name) => `"${name}"`).join(', ')}.`;
}

function nearestColumn(names: readonly string[], wanted: string): string | undefined {
  const plain = plainName(wanted);
  if (plain === '') return undefined;
  const scored = names.map((name) => ({ name, distance: nameDistance(plain, plainName(name)) }));
  const best = scored.reduce((a, b) => (b.distance < a.distance ? b : a));
  return best.distance <= Math.max(1, Math.floor(plain.length / 3)) ? best.name : undefined;
}

/** Edits between two names (a swap of neighbours is one); one that begins with or ends with the other is as near as one edit. */
function nameDistance(a: string, b: string): number {
  if (a.length >= 3 && b.length >= 3 && (b.startsWith(a) || b.endsWith(a) || a.endsWith(b))) return 1;
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const isSwap = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      const swapped = isSwap ? (beforePrevious[column - 2] ?? Infinity) + 1 : Infinity;
      current.push(Math.min(replaced, swapped, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length] ?? 0;
}
