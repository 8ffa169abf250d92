import { UsageError } from '../../errors.ts';
import { nearestName } from '../../record/nearest-name.ts';

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

/** Blanks and punctuation don't count. */
function nearestColumn(names: readonly string[], wanted: string): string | undefined {
  const plain = plainName(wanted);
  if (plain === '') return undefined;
  const byPlainName = new Map(names.map((name) => [plainName(name), name]));
  return byPlainName.get(nearestName(plain, byPlainName.keys()) ?? '');
}
