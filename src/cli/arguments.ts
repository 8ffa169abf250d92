import { parseArgs } from 'node:util';
import { secrets } from './definitions/secrets.ts';
import { environmentName, kebabCase, takesValue } from './flags.ts';
import type { Flags } from './flags.ts';
import { nearestName } from '../record/nearest-name.ts';

/** One thing wrong with the usage: where, what, and how to mend it. */
export interface Fault {
  /** `--limit`, `EMBEDSTREAM_LIMIT`, `embedstream.config.json: produce.limit`, `produce`. */
  readonly where: string;
  readonly problem: string;
  readonly mend?: string;
}

/** A value as text, before conversion. */
export interface Assignment {
  readonly key: string;
  readonly text: string;
  readonly where: string;
}

export interface ParsedArguments {
  readonly assignments: readonly Assignment[];
  readonly positionals: readonly string[];
  /** Index in argv of each positional. */
  readonly positionalIndexes: readonly number[];
  readonly faults: readonly Fault[];
}

type ParsedToken = NonNullable<ReturnType<typeof tokensOf>>[number];
type OptionToken = Extract<ParsedToken, { kind: 'option' }>;

const secretVariables = secrets.flatMap(([names]) => names.split(', '));

const SHORT_NAMES: Readonly<Record<string, string>> = { h: 'help', v: 'version', q: 'quiet' };

function tokensOf(argv: readonly string[], flags: Flags) {
  const options: Record<string, { type: 'string' | 'boolean'; multiple: true; short?: string }> = {};
  for (const [key, spec] of Object.entries(flags)) {
    const short = Object.keys(SHORT_NAMES).find((letter) => SHORT_NAMES[letter] === key);
    options[kebabCase(key)] = {
      type: takesValue(spec) ? 'string' : 'boolean',
      multiple: true,
      ...(short === undefined ? {} : { short }),
    };
  }
  return parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

/**
 * `--flag=value`, `--flag value`, `--flag`, `--no-flag`, `--` before positionals that begin with a dash. Faults are
 * collected, not thrown. `elsewhere` answers which other commands have a flag of that name.
 */
export function parseArguments(
  argv: readonly string[],
  flags: Flags,
  elsewhere: (name: string) => readonly string[] = () => [],
): ParsedArguments {
  const assignments: Assignment[] = [];
  const positionals: string[] = [];
  const positionalIndexes: number[] = [];
  const faults: Fault[] = [];
  const keys = new Map(Object.keys(flags).map((key) => [kebabCase(key), key]));
  for (const token of tokensOf(argv, flags)) {
    if (token.kind === 'positional') {
      positionals.push(token.value);
      positionalIndexes.push(token.index);
    } else if (token.kind === 'option') {
      const outcome = readOption(token, keys, flags, elsewhere);
      if ('problem' in outcome) faults.push(outcome);
      else assignments.push(outcome);
    }
  }
  return { assignments, positionals, positionalIndexes, faults };
}

function readOption(
  token: OptionToken,
  keys: ReadonlyMap<string, string>,
  flags: Flags,
  elsewhere: (name: string) => readonly string[],
): Assignment | Fault {
  const where = token.rawName;
  const key = keys.get(token.name);
  const spec = key === undefined ? undefined : flags[key];
  if (key === undefined || spec === undefined) {
    const negated = token.name.startsWith('no-') ? keys.get(token.name.slice(3)) : undefined;
    return negated === undefined ? unknownFlag(token, keys, elsewhere) : negate(token, negated, flags);
  }
  if (!takesValue(spec)) return { key, where, text: token.value ?? 'true' };
  const example = `write ${token.rawName}=${spec.placeholder ?? 'VALUE'}`;
  if (token.value === undefined) return { where, problem: 'needs a value', mend: example };
  const looksLikeFlag = !token.inlineValue && /^-(?![\d.])./.test(token.value);
  if (looksLikeFlag) {
    return { where, problem: `needs a value, but is followed by ${token.value}`, mend: example };
  }
  return { key, where, text: token.value };
}

function negate(token: OptionToken, key: string, flags: Flags): Assignment | Fault {
  const where = token.rawName;
  if (flags[key]?.type !== 'boolean') {
    return {
      where,
      problem: "can't be: only switches have a --no- form",
      mend: `leave it out, or write --${kebabCase(key)}=…`,
    };
  }
  if (token.value !== undefined) return { where, problem: 'takes no value', mend: `write ${where} alone` };
  return { key, where, text: 'false' };
}

function unknownFlag(
  token: OptionToken,
  keys: ReadonlyMap<string, string>,
  elsewhere: (name: string) => readonly string[],
): Fault {
  const where = token.rawName;
  const commands = elsewhere(token.name);
  if (commands.length > 0) {
    return { where, problem: 'is not a flag of this command', mend: `it belongs to ${commands.join(', ')}` };
  }
  const secret = secretVariables.find((name) => isNameOf(token.name, name));
  if (secret !== undefined) {
    return { where, problem: 'is not a flag', mend: `it comes from the environment only: ${secret}` };
  }
  const isNegated = token.name.startsWith('no-');
  const meant = nearestName(isNegated ? token.name.slice(3) : token.name, keys.keys());
  const mend =
    meant === undefined ? 'see --help for the flags there are' : `did you mean --${isNegated ? 'no-' : ''}${meant}?`;
  return { where, problem: 'is not a flag', mend };
}

/** `--sasl-password` and `--kafka-sasl-password` both mean KAFKA_SASL_PASSWORD. */
function isNameOf(flag: string, variable: string): boolean {
  const name = variable.toLowerCase().replaceAll('_', '-');
  return name === flag || name.replace(/^[^-]+-/, '') === flag;
}

/** Values from the environment, and a warning for each `EMBEDSTREAM_` variable that no flag reads. */
export function readEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  flags: Flags,
  knownKeys: Iterable<string>,
): { readonly assignments: readonly Assignment[]; readonly warnings: readonly string[] } {
  const assignments: Assignment[] = [];
  for (const [key, spec] of Object.entries(flags)) {
    for (const name of [environmentName(key), ...(spec.env ?? [])]) {
      const text = environment[name];
      // An empty variable means "not set", as CI systems and compose files have it.
      if (text === undefined || text === '') continue;
      assignments.push({ key, text, where: name });
      break;
    }
  }
  const known = new Set(Array.from(knownKeys, environmentName));
  const warnings = Object.keys(environment)
    .filter((name) => name.startsWith('EMBEDSTREAM_') && !known.has(name))
    .map((name) => {
      const meant = nearestName(name, known);
      return `the environment variable ${name} is read by no flag.${meant === undefined ? '' : ` Did you mean ${meant}?`}`;
    });
  return { assignments, warnings };
}
