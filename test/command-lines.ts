import { parseArguments } from '../src/cli/arguments.ts';
import { resolveConfig } from '../src/cli/config.ts';
import { commands } from '../src/cli/definitions/index.ts';
import { globalFlags } from '../src/cli/definitions/global.ts';
import { secrets } from '../src/cli/definitions/secrets.ts';
import { presentArguments } from '../src/cli/old-flags.ts';
import { environmentName, kebabCase, type Flags } from '../src/cli/flags.ts';

type Environment = Readonly<Record<string, string>>;

/** A command line for the real parser, as it would start: its faults and warnings, and its options. */
export function parseCommandLine(
  words: readonly string[],
  environment: Environment = {},
): { readonly problems: readonly string[]; readonly options: Readonly<Record<string, unknown>> } {
  const [name, ...rest] = words;
  const command = commands.find((each) => each.name === name);
  if (command === undefined) return { problems: [`${name ?? 'nothing'} is not a command`], options: {} };
  const argv = command.oldFlags === undefined ? rest : presentArguments(rest, command.oldFlags);
  const parsed = parseArguments(argv, { ...globalFlags, ...command.flags });
  const sources = { parsed, environment, folder: '/nonexistent' };
  const { faults, warnings, options } = resolveConfig(command, commands, globalFlags, sources);
  return { problems: [...faults.map(({ where, problem }) => `${where} ${problem}`), ...warnings], options };
}

/** Every flag, as it is written. */
export function knownFlags(): ReadonlySet<string> {
  const keys = [globalFlags, ...commands.map((command): Flags => command.flags)].flatMap((flags) => Object.keys(flags));
  return new Set(keys.map(kebabCase));
}

/** Every environment variable that gives a flag its value, and those of the secrets, which have no flag. */
export function knownVariables(): ReadonlySet<string> {
  const known = new Set(secrets.flatMap(([names]) => names.split(', ')));
  for (const flags of [globalFlags, ...commands.map((command): Flags => command.flags)]) {
    for (const [key, spec] of Object.entries<Flags[string]>(flags)) {
      known.add(environmentName(key));
      for (const name of spec.env ?? []) known.add(name);
    }
  }
  return known;
}

/** Words of a shell line: quotes group, a word that begins with # starts a comment. */
export function shellWords(line: string): string[] {
  const words = Array.from(line.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g), ([word]) => word);
  const comment = words.findIndex((word) => word.startsWith('#'));
  return words.slice(0, comment === -1 ? undefined : comment).map((word) => word.replaceAll(/["']/g, ''));
}
