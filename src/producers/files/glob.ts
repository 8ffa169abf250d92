import { join } from 'node:path';
import { UsageError } from '../../errors.ts';

/** Which files below a folder are meant. Paths have `/`. */
export interface PathFilter {
  readonly matches: (path: string) => boolean;
  /** Whether something below this folder may match. */
  readonly mayHold: (folder: string) => boolean;
}

const MAGIC = /[*?[]/;
/** As in a shell, braces without a comma are themselves. */
const CHOICE = /\{([^{}]*,[^{}]*)\}/;
const MOST_CHOICES = 256;

export function isGlob(text: string): boolean {
  return MAGIC.test(text) || CHOICE.test(text);
}

/**
 * A pattern as the folder before its first wildcard and what is to match below it: `*` and `?` within a name, `[a-z]`,
 * `**` for any folders, `{jpg,png}`. As in a shell, a wildcard does not stand for a dot at a name's beginning.
 */
export function parseGlob(pattern: string): { readonly folder: string; readonly filter: PathFilter } {
  const parts = pattern.split('/');
  const hasChoice = CHOICE.test(pattern);
  const first = parts.findIndex((part) => MAGIC.test(part) || (hasChoice && part.includes('{')));
  const folder = parts.slice(0, first).join('/');
  const patterns = choices(parts.slice(first).join('/')).map((rest) => {
    const steps = rest.split('/').filter((part) => part !== '' && part !== '.');
    return steps.map((step): Step => (step === '**' ? '**' : nameMatcher(step)));
  });
  const anyFits = (path: string, isPrefix: boolean): boolean => {
    const names = path.split('/');
    return patterns.some((steps) => fits(steps, names, isPrefix));
  };
  return {
    folder: folder === '' ? (pattern.startsWith('/') ? '/' : '.') : join(folder),
    filter: { matches: (path) => anyFits(path, false), mayHold: (path) => anyFits(path, true) },
  };
}

/** The patterns that one with `{a,b}` stands for, from the innermost braces on. */
function choices(pattern: string): string[] {
  let open = [pattern];
  for (;;) {
    const next = open.flatMap((each) => {
      const found = CHOICE.exec(each);
      if (found === null) return [each];
      const [before, after] = [each.slice(0, found.index), each.slice(found.index + found[0].length)];
      return (found[1] ?? '').split(',').map((choice) => before + choice + after);
    });
    if (next.length > MOST_CHOICES)
      throw new UsageError(`${pattern}: it stands for more than ${MOST_CHOICES} patterns. Use * in place of some.`);
    if (next.length === open.length && next.every((each, index) => each === open[index])) return open;
    open = next;
  }
}

type NameMatcher = (name: string) => boolean;
type Step = NameMatcher | '**';

/** Whether names fit steps; `isPrefix`: whether names behind them could. */
function fits(steps: readonly Step[], names: readonly string[], isPrefix: boolean): boolean {
  // Which steps may come next: each name moves on from them, so that no pattern takes long.
  let states = closure(steps, [0]);
  for (const name of names) {
    const next = [...states].flatMap((at) => {
      const step = steps[at];
      if (step === undefined) return [];
      if (step === '**') return name.startsWith('.') ? [] : [at];
      return step(name) ? [at + 1] : [];
    });
    states = closure(steps, next);
  }
  return isPrefix ? [...states].some((at) => at < steps.length) : states.has(steps.length);
}

/** `**` also stands for no folder at all. */
function closure(steps: readonly Step[], states: readonly number[]): ReadonlySet<number> {
  const all = new Set(states);
  for (const at of all) if (steps[at] === '**') all.add(at + 1);
  return all;
}

/** `*`, a set, `?` (an empty set that is negated), or a character. */
type Token = '*' | { readonly set: string; readonly isNegated: boolean } | { readonly character: string };

function nameMatcher(step: string): NameMatcher {
  const tokens = Array.from(step.matchAll(/\[(!?)([^\]]+)\]|\*+|[^]/gu), ([piece, not, set]): Token => {
    if (set !== undefined) return { set, isNegated: not === '!' };
    if (piece.startsWith('*')) return '*';
    return piece === '?' ? { set: '', isNegated: true } : { character: piece };
  });
  const first = tokens[0];
  const maySkipDot = typeof first === 'object' && 'character' in first;
  return (name) => (maySkipDot || !name.startsWith('.')) && matchesTokens(tokens, Array.from(name));
}

/** Goes back to the last `*` only, so that no pattern takes long. */
function matchesTokens(tokens: readonly Token[], characters: readonly string[]): boolean {
  let [token, at, star, retry] = [0, 0, -1, 0];
  while (at < characters.length) {
    const wanted = tokens[token];
    if (wanted === '*') {
      star = token++;
      retry = at;
    } else if (wanted !== undefined && fitsCharacter(wanted, characters[at] ?? '')) {
      token++;
      at++;
    } else if (star >= 0) {
      token = star + 1;
      at = ++retry;
    } else return false;
  }
  return tokens.slice(token).every((rest) => rest === '*');
}

function fitsCharacter(token: Exclude<Token, '*'>, character: string): boolean {
  if ('character' in token) return token.character === character;
  const { set, isNegated } = token;
  const members = Array.from(set);
  const isIn = members.some((member, index) => {
    if (members[index + 1] === '-' && members[index + 2] !== undefined)
      return character >= member && character <= (members[index + 2] ?? '');
    return member === character;
  });
  return isIn !== isNegated;
}
