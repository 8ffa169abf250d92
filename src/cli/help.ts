import type { Command, Example, PositionalSpec } from './command.ts';
import { positionalName } from './config.ts';
import { kebabCase, takesValue } from './flags.ts';
import type { Flags, FlagSpec } from './flags.ts';

/** How the user called us, so that examples can be pasted: `npx embedstream produce --x` or `npm run produce -- --x`. */
export type Invocation = 'npx' | 'npm-run';

const MAX_COLUMNS = 100;

export function overviewHelp(
  commands: readonly Command[],
  globalFlags: Flags,
  secrets: readonly (readonly [names: string, description: string])[],
  invocation: Invocation,
  columns: number,
): string {
  const rows = commands.map(({ name, summary }): [string, string] => [name, summary]);
  const show = invocation === 'npx' ? 'npx embedstream COMMAND --help' : 'npm run COMMAND -- --help';
  return [
    'Turns CSV rows into embeddings on a durable log, each exactly once, and the log into files.',
    '',
    `Usage: ${commandLine(invocation, 'COMMAND', '--flag=value …')}`,
    '',
    'Commands',
    ...twoColumns(rows, columns),
    '',
    'Flags of every command',
    ...flagLines(ungrouped(globalFlags), columns),
    ...groupSections(globalFlags, columns),
    '',
    'From the environment only',
    ...twoColumns(secrets, columns),
    '',
    'Values come from flags, then the environment (EMBEDSTREAM_DATA_DIR for --data-dir), then embedstream.config.json.',
    'Exit codes: 0 done, 1 finished with something wrong, 2 wrong usage, 130 stopped by Ctrl-C with everything kept.',
    `More on a command, with examples: ${show}`,
    '',
  ].join('\n');
}

export function commandHelp(command: Command, globalFlags: Flags, invocation: Invocation, columns: number): string {
  const takes = Object.entries(command.positionals);
  const usage = [
    ...takes.map(([key, spec]) =>
      spec.required === true ? positionalName(key, spec) : `[${positionalName(key, spec)}]`,
    ),
    ...Object.entries(command.flags)
      .filter(([, spec]) => spec.required === true)
      .map(([key, spec]) => flagUsage(key, spec)),
    '[flags]',
  ].join(' ');
  const argumentRows = takes.map(([key, spec]): [string, string] => [
    positionalName(key, spec),
    spec.description + (explainsChoices(spec) ? '' : choicesText(spec.choices)) + defaultText(spec.default),
  ]);
  return [
    `${command.name}: ${command.summary}`,
    ...(command.details === undefined ? [] : ['', ...wrap(command.details, Math.min(columns, MAX_COLUMNS))]),
    '',
    `Usage: ${commandLine(invocation, command.name, usage)}`,
    ...(argumentRows.length === 0 ? [] : ['', 'Arguments', ...twoColumns(argumentRows, columns)]),
    ...(Object.keys(command.flags).length === 0 ? [] : ['', 'Flags', ...flagLines(command.flags, columns)]),
    '',
    'Flags of every command',
    ...flagLines(ungrouped(globalFlags), columns),
    ...[...groupsOf(globalFlags)].map(([group, flags]) => groupLine(group, flags, invocation)),
    '',
    'Examples',
    ...command.examples.flatMap((example) => exampleLines(example, command.name, invocation)),
    '',
  ].join('\n');
}

/** A command as the user can paste it. */
export function commandLine(invocation: Invocation, name: string, rest: string): string {
  if (invocation === 'npx') return `npx embedstream ${name} ${rest}`.trimEnd();
  return rest === '' ? `npm run ${name}` : `npm run ${name} -- ${rest}`;
}

/** A word as a POSIX shell takes it: within quotes where it holds what a shell would read. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function ungrouped(flags: Flags): Flags {
  return Object.fromEntries(Object.entries(flags).filter(([, spec]) => spec.group === undefined));
}

function groupsOf(flags: Flags): ReadonlyMap<string, Flags> {
  const groups = new Map<string, Flags>();
  for (const [key, spec] of Object.entries(flags)) {
    if (spec.group !== undefined) groups.set(spec.group, { ...groups.get(spec.group), [key]: spec });
  }
  return groups;
}

function groupSections(flags: Flags, columns: number): string[] {
  return [...groupsOf(flags)].flatMap(([group, members]) => ['', group, ...flagLines(members, columns)]);
}

/** A command's own help names the first flag of a group only, and says where the others are. */
function groupLine(group: string, members: Flags, invocation: Invocation): string {
  const [first] = Object.entries(members);
  const flag = first === undefined ? '' : flagUsage(...first);
  return `  ${group}: ${flag} and more, see ${invocation === 'npx' ? 'npx embedstream' : 'npm run embedstream --'} --help`;
}

function exampleLines(example: Example, name: string, invocation: Invocation): string[] {
  return [`  ${commandLine(invocation, name, example.arguments)}`, `      ${example.does}`];
}

function flagLines(flags: Flags, columns: number): string[] {
  const rows = Object.entries(flags)
    .filter(([, spec]) => spec.hidden !== true)
    .map(([key, spec]): [string, string] => [flagUsage(key, spec), flagText(spec)]);
  return twoColumns(rows, columns);
}

function flagUsage(key: string, spec: FlagSpec): string {
  const name = `--${kebabCase(key)}`;
  if (!takesValue(spec)) return spec.default === true ? `--no-${kebabCase(key)}` : name;
  const placeholder =
    spec.placeholder ?? { number: 'N', bytes: 'SIZE', list: 'NAME', string: 'NAME', boolean: '' }[spec.type];
  return `${name}=${placeholder}${spec.type === 'list' && spec.commas !== false ? ',…' : ''}`;
}

function flagText(spec: FlagSpec): string {
  const choices = 'choices' in spec ? choicesText(spec.choices) : '';
  const required = spec.required === true ? ' (required)' : '';
  const environment = spec.env === undefined ? '' : ` (environment: ${spec.env.join(', ')})`;
  const fallback = spec.defaultText === undefined ? defaultText(spec.default) : ` (default ${spec.defaultText})`;
  return spec.description + choices + required + fallback + environment;
}

function explainsChoices(spec: PositionalSpec): boolean {
  return spec.type === 'string' && spec.explainsChoices === true;
}

function choicesText(choices: readonly string[] | undefined): string {
  return choices === undefined ? '' : `: ${choices.join(', ')}`;
}

function defaultText(value: unknown): string {
  if (value === undefined || typeof value === 'boolean') return '';
  return ` (default ${Array.isArray(value) ? value.join(',') : JSON.stringify(value).replaceAll('"', '')})`;
}

function twoColumns(rows: readonly (readonly [string, string])[], columns: number): string[] {
  const leftWidth = Math.min(26, Math.max(0, ...rows.map(([left]) => left.length))) + 2;
  const rightWidth = Math.max(30, Math.min(columns, MAX_COLUMNS) - leftWidth - 2);
  return rows.flatMap(([left, right]) => {
    const lines = wrap(right, rightWidth);
    const indent = ' '.repeat(leftWidth + 2);
    if (left.length > leftWidth - 2) return [`  ${left}`, ...lines.map((line) => indent + line)];
    return lines.map((line, index) => (index === 0 ? `  ${left.padEnd(leftWidth)}` : indent) + line);
  });
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
