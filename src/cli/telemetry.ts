import type { GlobalOptions } from './command.ts';
import { createLogger } from '../telemetry/log.ts';
import type { Logger } from '../telemetry/log.ts';
import { Progress } from '../telemetry/progress.ts';
import type { ProgressMode } from '../telemetry/progress.ts';
import { StatusArea } from '../telemetry/status-area.ts';

export interface Telemetry {
  readonly log: Logger;
  readonly progress: Progress;
  /** A line on stderr that no level hides. */
  say(line: string): void;
}

interface TelemetryWorld {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stderr: { write(text: string): unknown; readonly columns?: number; readonly isTTY?: boolean };
}

/** Logger and progress share one area of the terminal, so that neither tears the other. */
export function createTelemetry(options: GlobalOptions, world: TelemetryWorld): Telemetry {
  const area = new StatusArea(world.stderr);
  const write = (line: string): void => {
    area.write(line);
  };
  return {
    log: createLogger({
      level: options.quiet && options.logLevel === 'info' ? 'warn' : options.logLevel,
      format: options.json ? 'json' : 'human',
      stacks: options.logLevel === 'debug',
      write,
    }),
    progress: new Progress({ mode: progressMode(options, world), area }),
    say: (line) => {
      write(`${line}\n`);
    },
  };
}

/** Nothing for machines, in CI and when asked to be quiet; bars on a terminal that can redraw; lines elsewhere. */
export function progressMode(options: Pick<GlobalOptions, 'json' | 'quiet'>, world: TelemetryWorld): ProgressMode {
  const { CI: ci, TERM: terminal } = world.environment;
  const isCi = ci !== undefined && ci !== '' && ci !== 'false' && ci !== '0';
  if (options.json || options.quiet || isCi) return 'none';
  return world.stderr.isTTY === true && terminal !== 'dumb' ? 'bars' : 'lines';
}
