import { readEnvironment } from './arguments.ts';
import type { Assignment, Fault, ParsedArguments } from './arguments.ts';
import { readConfigFile } from './config-file.ts';
import type { Command, PositionalSpec, Positionals } from './command.ts';
import { kebabCase } from './flags.ts';
import type { Flags, FlagSpec } from './flags.ts';
import { checkValue, convertJson, convertText, splitList } from './values.ts';

/** What flags, environment and configuration file amount to, or all that is wrong with them. */
export interface Resolved {
  readonly options: Readonly<Record<string, unknown>>;
  readonly args: Readonly<Record<string, unknown>>;
  /** Where each option's value came from: `--limit`, `EMBEDSTREAM_LIMIT`, `embedstream.config.json: limit`, `default`. */
  readonly origins: ReadonlyMap<string, string>;
  readonly faults: readonly Fault[];
  readonly warnings: readonly string[];
}

export interface ConfigSources {
  readonly parsed: ParsedArguments;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The folder in which `embedstream.config.json` is looked for. */
  readonly folder: string;
}

interface Candidate {
  readonly value: unknown;
  readonly where: string;
}

/** Flags win over the environment, the environment over the file, the file over defaults. */
export function resolveConfig(
  command: Command,
  commands: readonly Command[],
  globalFlags: Flags,
  sources: ConfigSources,
): Resolved {
  const withGlobals = commands.map(({ name, flags }) => ({ name, flags: { ...globalFlags, ...flags } }));
  const flags: Flags = { ...globalFlags, ...command.flags };
  const faults: Fault[] = [...sources.parsed.faults];
  const environment = readEnvironment(
    sources.environment,
    flags,
    withGlobals.flatMap((each) => Object.keys(each.flags)),
  );
  const fromFlags = collectText(sources.parsed.assignments, flags, faults);
  const fromEnvironment = collectText(environment.assignments, flags, faults);
  const configPath = (fromFlags.get('config') ?? fromEnvironment.get('config'))?.value;
  const file = readConfigFile(
    typeof configPath === 'string' ? configPath : undefined,
    sources.folder,
    { name: command.name, flags },
    withGlobals,
  );
  faults.push(...file.faults);

  const options: Record<string, unknown> = {};
  const origins = new Map<string, string>();
  for (const [key, spec] of Object.entries(flags)) {
    const candidate = fromFlags.get(key) ?? fromEnvironment.get(key) ?? fromFile(spec, file.values.get(key), faults);
    settle(key, spec, candidate, { options, origins, faults, given: sources.parsed });
  }
  // An unknown flag's value looks like a positional: one fault is enough then.
  const positionalFaults: Fault[] = [];
  const args = resolvePositionals(command.positionals, sources.parsed.positionals, positionalFaults);
  if (sources.parsed.faults.length === 0) faults.push(...positionalFaults);
  return { options, args, origins, faults, warnings: environment.warnings };
}

interface Settlement {
  readonly options: Record<string, unknown>;
  readonly origins: Map<string, string>;
  readonly faults: Fault[];
  readonly given: ParsedArguments;
}

function settle(key: string, spec: FlagSpec, candidate: Candidate | undefined, into: Settlement): void {
  const flag = `--${kebabCase(key)}`;
  const fallback = spec.default ?? (spec.type === 'boolean' && spec.optional !== true ? false : undefined);
  const chosen = candidate ?? (fallback === undefined ? undefined : { value: fallback, where: 'default' });
  if (chosen === undefined) {
    const isFaulty = into.faults.some((fault) => fault.where === flag);
    if (spec.required === true && !isFaulty) {
      const mend = `write ${flag}=${spec.placeholder ?? 'VALUE'}`;
      into.faults.push({ where: flag, problem: 'is missing', mend });
    }
    return;
  }
  const checked = checkValue(spec, chosen.value);
  if ('problems' in checked) {
    into.faults.push(
      ...checked.problems.map((problem) => ({ where: chosen.where === 'default' ? flag : chosen.where, problem })),
    );
    return;
  }
  into.options[key] = checked.value;
  into.origins.set(key, chosen.where);
}

/** Converts text by key; a list collects its repetitions, of any other flag the last one counts. */
function collectText(assignments: readonly Assignment[], flags: Flags, faults: Fault[]): Map<string, Candidate> {
  const candidates = new Map<string, Candidate>();
  for (const { key, text, where } of assignments) {
    const spec = flags[key];
    if (spec === undefined) continue;
    const converted = convertText(spec, text);
    if ('problem' in converted) {
      faults.push({ where, problem: converted.problem });
      continue;
    }
    const earlier = candidates.get(key)?.value;
    const isRepeated = isList(earlier) && isList(converted.value);
    candidates.set(key, { value: isRepeated ? [...earlier, ...converted.value] : converted.value, where });
  }
  return candidates;
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function fromFile(
  spec: FlagSpec,
  entry: { readonly json: unknown; readonly where: string } | undefined,
  faults: Fault[],
): Candidate | undefined {
  if (entry === undefined) return undefined;
  const converted = convertJson(spec, entry.json);
  if ('value' in converted) return { value: converted.value, where: entry.where };
  faults.push({ where: entry.where, problem: converted.problem });
  return undefined;
}

function resolvePositionals(
  specs: Positionals,
  given: readonly string[],
  faults: Fault[],
): Readonly<Record<string, unknown>> {
  const args: Record<string, unknown> = {};
  let rest = [...given];
  for (const [key, spec] of Object.entries(specs)) {
    const [value, remaining] = takePositional(spec, rest);
    rest = remaining;
    const chosen = value ?? spec.default;
    const where = positionalName(key, spec);
    if (chosen === undefined) {
      if (spec.required === true) faults.push({ where, problem: 'is missing', mend: spec.description });
      continue;
    }
    const checked = checkValue(spec, chosen);
    if ('problems' in checked) faults.push(...checked.problems.map((problem) => ({ where, problem })));
    else args[key] = checked.value;
  }
  faults.push(
    ...rest.map((text) => ({
      where: text,
      problem: 'is one argument too many',
      mend: 'see --help; put what holds blanks in quotes',
    })),
  );
  return args;
}

function takePositional(spec: PositionalSpec, given: readonly string[]): [string | string[] | undefined, string[]] {
  if (given.length === 0) return [undefined, []];
  if (spec.type === 'list') return [given.flatMap(splitList), []];
  if (spec.rest === true) return [given.join(' '), []];
  return [given[0], given.slice(1)];
}

/** `query` -> `QUERY…` as `--help` shows it. */
export function positionalName(key: string, spec: PositionalSpec): string {
  const repeats = spec.type === 'list' || spec.rest === true;
  return `${kebabCase(key).toUpperCase()}${repeats ? '…' : ''}`;
}
