/** How the flags of a command were written before: what is renamed, and what took several words. */
export interface OldFlags {
  /** Old name to the present one, both with dashes. */
  readonly renamed: Readonly<Record<string, string>>;
  /** Flags, by their present names, whose values stood side by side: `--models a b c`. */
  readonly lists: readonly string[];
}

/** The same words as the parser knows them: `--input_file x` is `--input-file x`, `--models a b` is `--model=a,b`. */
export function presentArguments(argv: readonly string[], { renamed, lists }: OldFlags): string[] {
  const present: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (word === '--') return [...present, ...argv.slice(i)];
    const [, name, value] = /^--([^=]+)(=[^]*)?$/.exec(word) ?? [];
    if (name === undefined) {
      present.push(word);
      continue;
    }
    const dashed = name.replaceAll('_', '-');
    const flag = renamed[dashed] ?? dashed;
    const values = lists.includes(flag) && value === undefined ? wordsFrom(argv, i + 1) : [];
    present.push(`--${flag}${values.length === 0 ? (value ?? '') : `=${values.map(escaped).join()}`}`);
    i += values.length;
  }
  return present;
}

function wordsFrom(argv: readonly string[], from: number): readonly string[] {
  const end = argv.findIndex((word, i) => i >= from && word.startsWith('-'));
  return argv.slice(from, end < 0 ? argv.length : end);
}

/** A comma that is typed between names separates them, too; `\,` is one. */
function escaped(word: string): string {
  return word.replace(/,$/, '');
}
