import { readFileSync } from 'node:fs';
import { parseArguments } from './arguments.ts';
import type { Fault } from './arguments.ts';
import type { Command, CommandContext, ExitCode, GlobalOptions, Output } from './command.ts';
import { resolveConfig } from './config.ts';
import type { Resolved } from './config.ts';
import { commands as allCommands } from './definitions/index.ts';
import { globalFlags } from './definitions/global.ts';
import { secrets } from './definitions/secrets.ts';
import { thrownFailure, usageFailure } from './failures.ts';
import type { Failure } from './failures.ts';
import { kebabCase } from './flags.ts';
import type { Flags } from './flags.ts';
import { commandHelp, commandLine, overviewHelp } from './help.ts';
import type { Invocation } from './help.ts';
import type { OpenInstruments } from './instruments.ts';
import { nearestName } from '../record/nearest-name.ts';
import { locateModels } from './locate-models.ts';
import { presentArguments } from './old-flags.ts';
import { installStop } from './stop.ts';
import type { StopOptions } from './stop.ts';
import { PipelineError } from '../errors.ts';

/** The outside world, so that tests can stand in for it. */
export interface ProgramWorld {
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown; readonly columns?: number; readonly isTTY?: boolean };
  readonly invocation: Invocation;
  readonly stop: Pick<StopOptions, 'signals' | 'endAtOnce' | 'nowMs'>;
  /** Left out: the real ones. */
  readonly commands?: readonly Command[];
}

export type ProgramExit = ExitCode | 2 | 130;

/** For `--json`, when a stop came before there was a result. */
const STOPPED = { error: { code: 'STOPPED', message: 'Stopped before there was a result; nothing is lost.' } };

/** Runs one command line to its exit code. Never rejects. */
export async function runProgram(world: ProgramWorld): Promise<ProgramExit> {
  const commands = world.commands ?? allCommands;
  const union: Flags = Object.assign({}, ...commands.map(({ flags }) => flags), globalFlags) as Flags;
  const overview = parseArguments(world.argv, union);
  const wants = (key: string): boolean =>
    overview.assignments.findLast((assignment) => assignment.key === key)?.text === 'true';
  const isJson = wants('json');
  const [name] = overview.positionals;
  const isHelpWord = name === 'help';
  if (wants('version')) return print(world, `${packageVersion()}\n`);
  const columns = world.stderr.columns ?? 100;
  const commandName = isHelpWord ? overview.positionals[1] : name;
  const command = commands.find((each) => each.name === commandName);
  if (command !== undefined && (isHelpWord || wants('help'))) {
    return print(world, commandHelp(command, globalFlags, world.invocation, columns));
  }
  if (commandName === undefined) {
    const help = overviewHelp(commands, globalFlags, secrets, world.invocation, columns);
    if (isHelpWord || wants('help')) return print(world, help);
    if (overview.faults.length > 0) return fail(world, isJson, usageFailure(overview.faults, hint(world, undefined)));
    world.stderr.write(help);
    return 2;
  }
  if (command === undefined) {
    return fail(world, isJson, usageFailure([unknownCommand(commandName, commands)], hint(world, undefined)));
  }
  const words = world.argv.toSpliced(overview.positionalIndexes[0] ?? 0, 1);
  const argv = command.oldFlags === undefined ? words : presentArguments(words, command.oldFlags);
  return runCommand(command, argv, isJson, commands, world);
}

async function runCommand(
  command: Command,
  argv: readonly string[],
  isJson: boolean,
  commands: readonly Command[],
  world: ProgramWorld,
): Promise<ProgramExit> {
  const flags: Flags = { ...globalFlags, ...command.flags };
  const elsewhere = (flag: string): string[] =>
    commands.filter((each) => Object.keys(each.flags).some((key) => kebabCase(key) === flag)).map((each) => each.name);
  const resolved = resolveConfig(command, commands, globalFlags, {
    parsed: parseArguments(argv, flags, elsewhere),
    environment: world.environment,
    folder: world.folder,
  });
  if (resolved.faults.length > 0) {
    return fail(
      world,
      isJson || resolved.options['json'] === true,
      usageFailure(resolved.faults, hint(world, command)),
    );
  }
  return execute(command, resolved, world);
}

/** Loads and runs the body, with everything around it that has to be closed again. */
async function execute(command: Command, resolved: Resolved, world: ProgramWorld): Promise<ProgramExit> {
  // Only `resolveConfig` makes these, from the very flags the type is made of.
  const options = resolved.options as GlobalOptions;
  const args = resolved.args as CommandContext['args'];
  const [{ createTelemetry }, { openInstruments }] = await Promise.all([
    import('./telemetry.ts'),
    import('./instruments.ts'),
  ]);
  const telemetry = createTelemetry(options, world);
  const { log, progress } = telemetry;
  for (const warning of resolved.warnings) log.warn(warning);
  logOrigins(command, resolved, log);
  const say = (line: string): void => {
    telemetry.say(line);
  };
  const stop = installStop({ ...world.stop, say });
  const output = createOutput(options.json, world);
  const { signal } = stop;
  let opened: OpenInstruments | undefined;
  try {
    opened = await openInstruments(resolved.options, { log, say, signal, version: packageVersion });
    const body = await command.load();
    const { instruments } = opened;
    const { environment } = world;
    const { options: located, givenModels } = await locateModels(options, command, {
      environment,
      log,
      progress,
      signal,
    });
    const exitCode = await body.run({
      options: located,
      givenModels,
      args,
      signal,
      log,
      progress,
      instruments,
      output,
    });
    progress.close();
    return stop.signal.aborted ? 130 : exitCode;
  } catch (error) {
    progress.close();
    if (stop.signal.aborted && isAbort(error)) {
      if (options.json) output.result(STOPPED, () => '');
      return 130;
    }
    return fail(world, options.json, thrownFailure(error, options.logLevel === 'debug'));
  } finally {
    await opened?.close();
    stop.dispose();
  }
}

/** A body that hands on the abort it was told of has stopped as it should. */
function isAbort(error: unknown): boolean {
  if (error instanceof PipelineError) return false;
  return error instanceof Error && (error.name === 'AbortError' || ('code' in error && error.code === 'ABORT_ERR'));
}

function createOutput(isJson: boolean, world: ProgramWorld): Output {
  return {
    isJson,
    result: (json, human) => {
      const text = isJson ? `${JSON.stringify(json, jsonValue)}\n` : human();
      world.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
    },
  };
}

function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  return value instanceof Map ? Object.fromEntries(value as ReadonlyMap<string, unknown>) : value;
}

function logOrigins(command: Command, resolved: Resolved, log: { debug(message: string): void }): void {
  const flags: Flags = { ...globalFlags, ...command.flags };
  for (const [key, origin] of resolved.origins) {
    const value = flags[key]?.secret === true ? '(hidden)' : JSON.stringify(resolved.options[key]);
    log.debug(`--${kebabCase(key)} is ${value}, from ${origin}`);
  }
}

function unknownCommand(name: string, commands: readonly Command[]): Fault {
  const names = commands.map((each) => each.name);
  const meant = nearestName(name, names);
  return {
    where: name,
    problem: 'is not a command',
    mend: meant === undefined ? `there are ${names.join(', ')}` : `did you mean ${meant}?`,
  };
}

function hint(world: ProgramWorld, command: Command | undefined): string {
  const line =
    command === undefined
      ? commandLine(world.invocation, 'COMMAND', '--help')
      : commandLine(world.invocation, command.name, '--help');
  return `See ${line}`;
}

function print(world: ProgramWorld, text: string): 0 {
  world.stdout.write(text);
  return 0;
}

function fail(world: ProgramWorld, isJson: boolean, failure: Failure): 1 | 2 {
  if (isJson) world.stdout.write(`${JSON.stringify(failure.json)}\n`);
  else world.stderr.write(failure.text);
  return failure.exitCode;
}

/** `../../package.json` from src/cli as from dist/cli. */
function packageVersion(): string {
  const json: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const isNamed = typeof json === 'object' && json !== null && 'version' in json && typeof json.version === 'string';
  return isNamed ? (json as { version: string }).version : 'unknown';
}
