import type { Flags, ListFlag, OptionsOf, StringFlag } from './flags.ts';
import type { globalFlags } from './definitions/global.ts';
import type { OldFlags } from './old-flags.ts';
import type { Instruments } from '../operations/observed/instruments.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Progress } from '../telemetry/progress.ts';

/** 0: done; 1: finished with something wrong. Wrong usage (2) and a stop (130) are the frame's. */
export type ExitCode = 0 | 1;

/** What a command takes besides flags, in the order of the keys. A list, or a string with `rest`, comes last. */
export type PositionalSpec =
  | (Pick<StringFlag, 'type' | 'description' | 'choices' | 'explainsChoices' | 'required' | 'schema' | 'default'> & {
      /** All that is left, joined by blanks: words of a query need no quotes. */
      readonly rest?: boolean;
    })
  | Pick<ListFlag, 'type' | 'description' | 'choices' | 'required' | 'schema' | 'default'>;
export type Positionals = Readonly<Record<string, PositionalSpec>>;

export interface Example {
  /** What stands after the command's name. */
  readonly arguments: string;
  readonly does: string;
}

export type GlobalOptions = OptionsOf<typeof globalFlags>;

/** What a body gets from the frame. */
export interface CommandContext<Specs = Flags, Takes = Positionals> {
  /** The command's flags and the global ones, checked. */
  readonly options: OptionsOf<Specs> & GlobalOptions;
  readonly args: OptionsOf<Takes>;
  /** As the user named them, each with what flags say of all models behind it; `options.model` has their folders. */
  readonly givenModels: readonly string[];
  /** Aborts at the first Ctrl-C (SIGINT, SIGTERM, SIGHUP): finish what is in flight, commit, and return. */
  readonly signal: AbortSignal;
  /** To stderr, above the progress bars. */
  readonly log: Logger;
  /** To stderr; silent with --quiet, --json and in CI. The frame closes it. */
  readonly progress: Progress;
  /** Metrics, health and log lines of records: for `withWorkspace`. The frame closes them. */
  readonly instruments: Instruments;
  readonly output: Output;
}

/** stdout. With --json exactly one JSON object a run is printed there, and nothing else. */
export interface Output {
  /** True with --json. */
  readonly isJson: boolean;
  /**
   * The command's result: `json` with --json, `human()` otherwise. Call it once, at the end (again only to redraw, never
   * with --json). It is printed with
   * --quiet too: a result is what was asked for.
   */
  result(json: unknown, human: () => string): void;
}

/** What `src/cli/commands/<name>.ts` exports. */
export interface CommandModule<Specs = Flags, Takes = Positionals> {
  run(context: CommandContext<Specs, Takes>): Promise<ExitCode>;
}

export type CommandBody<Specs, Takes = Positionals> = (context: CommandContext<Specs, Takes>) => Promise<ExitCode>;

/** A command as data: all that `--help` and the flags need, nothing of its body. */
export interface CommandDescription<Specs = Flags, Takes = Positionals> {
  readonly name: string;
  /** One line, from "does": "reads sources and publishes what is new". */
  readonly summary: string;
  /** A paragraph more for `<command> --help`. */
  readonly details?: string;
  readonly examples: readonly Example[];
  readonly flags: Specs;
  readonly positionals: Takes;
  /** Whether it loads the models that `--model` names: their files are then downloaded where they are missing. */
  readonly runsModels?: boolean;
  /** Of a command by an old name: how its flags may be written, too. */
  readonly oldFlags?: OldFlags;
}

export interface Command extends CommandDescription {
  load(): Promise<CommandModule>;
}

/**
 * Descriptions stand apart from bodies, so that a body can take its types from them:
 * `export const run: CommandBody<typeof produceFlags> = async ({ options }) => …`.
 */
export function describeCommand<Specs extends Flags, Takes extends Positionals = Positionals>(
  description: Omit<CommandDescription<Specs, Takes>, 'positionals'> & { readonly positionals?: Takes },
): CommandDescription<Specs, Takes | Positionals> {
  return { positionals: {}, ...description };
}

/** The body must fit the description: the same flags, the same positionals. */
export function withBody<Specs extends Flags, Takes extends Positionals>(
  description: CommandDescription<Specs, Takes>,
  load: () => Promise<CommandModule<Specs, Takes>>,
): Command {
  return { ...description, load };
}

export function definePositionals<const Takes extends Positionals>(positionals: Takes): Takes {
  return positionals;
}
