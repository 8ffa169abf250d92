import type { FlagSpec } from './flags.ts';
import { nearestName } from '../record/nearest-name.ts';
import { redactText } from '../telemetry/redact.ts';

/** A converted value, or what is wrong with it in words that follow "--flag ". */
export type Converted = { readonly value: unknown } | { readonly problem: string };

const TRUE_WORDS = new Set(['true', 'yes', 'on', '1']);
const FALSE_WORDS = new Set(['false', 'no', 'off', '0']);

const BYTE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1024,
  kib: 1024,
  kb: 1000,
  m: 1024 ** 2,
  mib: 1024 ** 2,
  mb: 1000 ** 2,
  g: 1024 ** 3,
  gib: 1024 ** 3,
  gb: 1000 ** 3,
  t: 1024 ** 4,
  tib: 1024 ** 4,
  tb: 1000 ** 4,
};

/** From text, as flags and the environment give it. A list flag that is repeated is converted once a repetition. */
export function convertText(spec: FlagSpec, text: string): Converted {
  switch (spec.type) {
    case 'boolean':
      return convertBoolean(spec, text);
    case 'number':
      return convertNumber(spec, text);
    case 'bytes':
      return convertBytes(spec, text);
    case 'list':
      return { value: spec.commas === false ? [text] : splitList(text) };
    case 'string':
      return { value: text };
  }
}

/** From JSON, as the configuration file gives it. */
export function convertJson(spec: FlagSpec, json: unknown): Converted {
  switch (spec.type) {
    case 'boolean':
      return typeof json === 'boolean'
        ? { value: json }
        : { problem: `must be true or false, not ${shown(spec, json)}` };
    case 'number':
      return typeof json === 'number' ? { value: json } : { problem: `must be a number, not ${shown(spec, json)}` };
    case 'bytes':
      if (typeof json === 'number') return { value: json };
      return typeof json === 'string'
        ? convertBytes(spec, json)
        : { problem: `must be a size such as 1048576 or "64MiB", not ${shown(spec, json)}` };
    case 'list': {
      const items: unknown[] = Array.isArray(json) ? json : [json];
      return items.every((item) => typeof item === 'string')
        ? { value: items }
        : { problem: `must be a string or a list of strings, not ${shown(spec, json)}` };
    }
    case 'string':
      return typeof json === 'string' ? { value: json } : { problem: `must be a string, not ${shown(spec, json)}` };
  }
}

/** Checks a converted (and, for lists, collected) value against the flag's choices and schema. */
export function checkValue(
  spec: FlagSpec,
  value: unknown,
): { readonly value: unknown } | { readonly problems: string[] } {
  if ('choices' in spec) {
    const problems = wrongChoices(spec, spec.choices, value);
    if (problems.length > 0) return { problems };
  }
  if (spec.schema === undefined) return { value };
  const result = spec.schema.safeParse(value);
  if (result.success) return { value: result.data };
  const suffix = value === undefined ? '' : ` (it is ${shown(spec, value)})`;
  return { problems: result.error.issues.map((issue) => `${lowerFirst(issue.message)}${suffix}`) };
}

function wrongChoices(spec: FlagSpec, choices: readonly string[], value: unknown): string[] {
  const given: unknown[] = Array.isArray(value) ? value : [value];
  const problems: string[] = [];
  for (const item of given) {
    if (typeof item !== 'string' || choices.includes(item)) continue;
    const meant = nearestName(item, choices);
    const hint = meant === undefined ? '' : ` Did you mean ${meant}?`;
    problems.push(`can't be ${shown(spec, item)}; it is one of ${choices.join(', ')}.${hint}`);
  }
  return problems;
}

/** Splits at commas, but not within braces, as of `*.{jpg,png}`; `\,` is a comma. Empty items are dropped. */
export function splitList(text: string): string[] {
  return (atOuterCommas(text) ?? text.split(/(?<!\\),/))
    .map((item) => item.replaceAll('\\,', ',').trim())
    .filter((item) => item !== '');
}

/** Undefined where braces are not in pairs: then they are part of a name. */
function atOuterCommas(text: string): string[] | undefined {
  const items = [''];
  let depth = 0;
  for (const [piece] of text.matchAll(/\\,|[^]/g)) {
    if (piece === '{') depth++;
    if (piece === '}' && --depth < 0) return undefined;
    if (piece === ',' && depth === 0) items.push('');
    else items.push((items.pop() ?? '') + piece);
  }
  return depth === 0 ? items : undefined;
}

function convertBoolean(spec: FlagSpec, text: string): Converted {
  const word = text.trim().toLowerCase();
  if (TRUE_WORDS.has(word)) return { value: true };
  if (FALSE_WORDS.has(word)) return { value: false };
  return { problem: `must be true or false, not ${shown(spec, text)}` };
}

function convertNumber(spec: FlagSpec, text: string): Converted {
  const digits = text.trim().replace(/(?<=\d)_(?=\d)/g, '');
  const isNumber = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(digits);
  return isNumber ? { value: Number(digits) } : { problem: `must be a number, not ${shown(spec, text)}` };
}

function convertBytes(spec: FlagSpec, text: string): Converted {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  const unit = BYTE_UNITS[(match?.[2] ?? '-').toLowerCase()];
  if (match === null || unit === undefined) {
    return { problem: `must be a size such as 1048576 or 64MiB, not ${shown(spec, text)}` };
  }
  return { value: Math.round(Number(match[1]) * unit) };
}

/** A value for a message: quoted, cut to a readable length, and never a secret. */
function shown(spec: FlagSpec, value: unknown): string {
  if (spec.secret === true) return '(hidden)';
  const text = value === undefined ? 'nothing' : redactText(JSON.stringify(value));
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
