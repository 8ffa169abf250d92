import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Fault } from './arguments.ts';
import type { Flags } from './flags.ts';
import { nearestName } from '../record/nearest-name.ts';
import { messageOf } from '../errors.ts';

export const CONFIG_FILE = 'embedstream.config.json';

/** Values from the configuration file for one command: those of its section win over those at the top level. */
export interface FileValues {
  readonly values: ReadonlyMap<string, { readonly json: unknown; readonly where: string }>;
  readonly faults: readonly Fault[];
}

interface CommandFlags {
  readonly name: string;
  readonly flags: Flags;
}

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Reads `explicitPath`, or `embedstream.config.json` in `folder` when it is there. Shape: camelCase flags at the top
 * level, and an object a command for that command's own. All keys are checked, those of other commands too.
 */
export function readConfigFile(
  explicitPath: string | undefined,
  folder: string,
  command: CommandFlags,
  commands: readonly CommandFlags[],
): FileValues {
  const path = resolve(folder, explicitPath ?? CONFIG_FILE);
  const shownPath = explicitPath ?? CONFIG_FILE;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (isMissing && explicitPath === undefined) return { values: new Map(), faults: [] };
    const problem = isMissing ? `there is no file ${path}` : `can't be read: ${messageOf(error)}`;
    return { values: new Map(), faults: [{ where: shownPath, problem, mend: 'correct --config' }] };
  }
  return interpretConfig(text, shownPath, command, commands);
}

/** The pure part of `readConfigFile`. */
export function interpretConfig(
  text: string,
  path: string,
  command: CommandFlags,
  commands: readonly CommandFlags[],
): FileValues {
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    return { values: new Map(), faults: [{ where: path, problem: `is not JSON: ${messageOf(error)}` }] };
  }
  if (!isObject(json)) {
    return {
      values: new Map(),
      faults: [{ where: path, problem: 'must hold one JSON object', mend: 'e.g. {"dataDir": "/var/lib/embedstream"}' }],
    };
  }
  const values = new Map<string, { json: unknown; where: string }>();
  const faults: Fault[] = [];
  const sections = new Map(commands.map(({ name, flags }) => [name, flags]));
  const topLevelKeys = new Set(commands.flatMap(({ flags }) => configurable(flags)));
  const ownKeys = new Set(configurable(command.flags));
  for (const [key, value] of Object.entries(json)) {
    const section = sections.get(key);
    if (section !== undefined && isObject(value)) continue;
    if (key === '$schema') continue;
    if (!topLevelKeys.has(key)) faults.push(unknownKey(path, key, key, [...topLevelKeys, ...sections.keys()]));
    else if (ownKeys.has(key)) values.set(key, { json: value, where: `${path}: ${key}` });
  }
  for (const [name, flags] of sections) {
    const section = json[name];
    if (!isObject(section)) continue;
    const sectionKeys = configurable(flags);
    for (const [key, value] of Object.entries(section)) {
      const place = `${name}.${key}`;
      if (!sectionKeys.includes(key)) faults.push(unknownKey(path, place, key, sectionKeys));
      else if (name === command.name) values.set(key, { json: value, where: `${path}: ${place}` });
    }
  }
  return { values, faults };
}

/** A file can't say where the file is, nor ask for help. */
function configurable(flags: Flags): string[] {
  return Object.keys(flags).filter((key) => key !== 'config' && key !== 'help' && key !== 'version');
}

function unknownKey(path: string, place: string, key: string, candidates: readonly string[]): Fault {
  const meant = nearestName(key, candidates);
  return {
    where: `${path}: ${place}`,
    problem: 'is no key',
    mend: meant === undefined ? 'keys are the flags in camelCase, and command names' : `did you mean ${meant}?`,
  };
}

function isObject(json: unknown): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
