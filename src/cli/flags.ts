import type { z } from 'zod';

/**
 * Flags described as data. Keys are camelCase (as in the options object and the configuration file); on the command
 * line they are kebab-case, in the environment `EMBEDSTREAM_` and SCREAMING_SNAKE.
 */
interface FlagBase<Type extends string, Value> {
  readonly type: Type;
  readonly description: string;
  /** Stands for the value in `--help`, e.g. `FILE`. */
  readonly placeholder?: string;
  /** More environment variables that give the value, after `EMBEDSTREAM_<FLAG>`. */
  readonly env?: readonly string[];
  readonly default?: Value;
  /** What `--help` says in place of `default` where the body decides it. */
  readonly defaultText?: string;
  readonly required?: boolean;
  /** Checks the converted value and may narrow or transform it. */
  readonly schema?: z.ZodType;
  /** The heading under which `embedstream --help` lists a global flag; a command's own help then only names the group. */
  readonly group?: string;
  /** Left out of `--help`. */
  readonly hidden?: boolean;
  /** Never printed, not even in a fault. */
  readonly secret?: boolean;
}

export interface StringFlag extends FlagBase<'string', string> {
  readonly choices?: readonly string[];
  /** The description names them all. */
  readonly explainsChoices?: boolean;
}
export interface ListFlag extends FlagBase<'list', readonly string[]> {
  readonly choices?: readonly string[];
  /** False where values may hold commas: the flag is then repeated. A comma can also be written `\,`. */
  readonly commas?: boolean;
}
export type NumberFlag = FlagBase<'number', number>;
/** A size: `1048576`, `64MiB`, `2GB`. The value is in bytes. */
export type BytesFlag = FlagBase<'bytes', number>;
/** `--flag`, `--no-flag`, `--flag=false`; false unless given, or with `optional` not there at all. */
export interface BooleanFlag extends FlagBase<'boolean', boolean> {
  readonly optional?: true;
}

export type FlagSpec = StringFlag | ListFlag | NumberFlag | BytesFlag | BooleanFlag;
export type Flags = Readonly<Record<string, FlagSpec>>;

type Choice<Spec> = Spec extends { readonly choices: readonly (infer Name extends string)[] } ? Name : string;
type BaseValue<Spec> = Spec extends { readonly type: 'number' | 'bytes' }
  ? number
  : Spec extends { readonly type: 'boolean' }
    ? boolean
    : Spec extends { readonly type: 'list' }
      ? readonly Choice<Spec>[]
      : Choice<Spec>;
type ValueOf<Spec> = Spec extends { readonly schema: infer Schema extends z.ZodType }
  ? z.output<Schema>
  : BaseValue<Spec>;
type PresentKeys<Specs> = {
  [Key in keyof Specs]: Specs[Key] extends { readonly optional: true }
    ? never
    : Specs[Key] extends { readonly default: unknown } | { readonly required: true } | { readonly type: 'boolean' }
      ? Key
      : never;
}[keyof Specs];

/** The options object a command's body gets for its flags. */
export type OptionsOf<Specs> = { readonly [Key in PresentKeys<Specs>]: ValueOf<Specs[Key]> } & {
  readonly [Key in Exclude<keyof Specs, PresentKeys<Specs>>]?: ValueOf<Specs[Key]>;
};

export function defineFlags<const Specs extends Flags>(flags: Specs): Specs {
  return flags;
}

/** The flags of another command without some. */
export function omitFlags<Specs extends Flags, Key extends keyof Specs & string>(
  flags: Specs,
  keys: readonly Key[],
): Omit<Specs, Key> {
  const kept = Object.entries(flags).filter(([key]) => !keys.some((each) => each === key));
  return Object.fromEntries(kept) as Omit<Specs, Key>;
}

/** `dataDir` -> `data-dir` */
export function kebabCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `dataDir` -> `EMBEDSTREAM_DATA_DIR` */
export function environmentName(key: string): string {
  return `EMBEDSTREAM_${kebabCase(key).replaceAll('-', '_').toUpperCase()}`;
}

export function takesValue(spec: FlagSpec): boolean {
  return spec.type !== 'boolean';
}
