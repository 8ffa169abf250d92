/** Levenshtein distance, case ignored, in UTF-16 units. */
export function editDistance(left: string, right: string): number {
  const from = left.toLowerCase();
  const to = right.toLowerCase();
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let i = 0; i < from.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j++) {
      const substituted = (row[j] ?? 0) + (from[i] === to[j] ? 0 : 1);
      next.push(Math.min(substituted, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}

/** The one of `names` that `wanted` was most likely meant to be; undefined when none is near. */
export function nearestName(wanted: string, names: readonly string[]): string | undefined {
  let nearest: string | undefined;
  let least = Infinity;
  for (const name of names) {
    const contained = wanted.length >= 3 && name.toLowerCase().includes(wanted.toLowerCase());
    const distance = contained ? 1 : editDistance(wanted, name);
    if (distance < least) [nearest, least] = [name, distance];
  }
  return least <= Math.max(2, wanted.length / 2) ? nearest : undefined;
}
