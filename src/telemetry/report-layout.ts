/** What a report says of a stage. */
export interface Section {
  readonly title: string;
  /** Name, value, note. */
  readonly rows: readonly (readonly [string, string, string?])[];
  readonly notes: readonly string[];
}

/** Lines of text: names and values stand in columns of one width over all sections, and a section ends in a blank line. */
export function layOut(sections: readonly Section[]): string[] {
  const nameWidth = Math.max(0, ...sections.flatMap(({ rows }) => rows.map(([name]) => name.length)));
  const valueWidth = Math.max(0, ...sections.flatMap(({ rows }) => rows.map(([, value]) => value.length)));
  return sections.flatMap(({ title, rows, notes }) => [
    title,
    ...rows.map(
      ([name, value, note]) =>
        `  ${name.padEnd(nameWidth)}  ${value.padStart(valueWidth)}${note === undefined ? '' : `  ${note}`}`,
    ),
    ...notes.map((note) => `  ${note}`),
    '',
  ]);
}
