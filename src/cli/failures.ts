import type { Fault } from './arguments.ts';
import { PipelineError, messageOf } from '../errors.ts';
import { redactText } from '../telemetry/redact.ts';

/** What a run that failed prints, and with which code it ends. */
export interface Failure {
  readonly exitCode: 1 | 2;
  /** For stderr, with a line break at its end. */
  readonly text: string;
  /** For stdout with --json. */
  readonly json: {
    readonly error: { readonly code: string; readonly message: string; readonly faults?: readonly Fault[] };
  };
}

/** All faults of the usage together. */
export function usageFailure(faults: readonly Fault[], helpHint: string): Failure {
  const lines = faults.map(faultText);
  const [only] = lines;
  const message =
    lines.length === 1 && only !== undefined
      ? only
      : `${lines.length} things are wrong:\n${lines.map((line) => `  - ${line}`).join('\n')}`;
  return {
    exitCode: 2,
    text: `error: ${message}\n${helpHint}\n`,
    json: { error: { code: 'USAGE', message, faults } },
  };
}

function faultText({ where, problem, mend }: Fault): string {
  return `${where} ${problem}${mend === undefined ? '' : `; ${mend}`}`;
}

/** Anything thrown. A `PipelineError` speaks for itself; everything else is a bug, and shows its stack. */
export function thrownFailure(error: unknown, showStack: boolean): Failure {
  if (error instanceof PipelineError) {
    const message = redactText(error.message);
    const stack = showStack ? `${stackOf(error)}\n` : '';
    return {
      exitCode: error.code === 'USAGE' ? 2 : 1,
      text: `error: ${message}\n${stack}`,
      json: { error: { code: error.code, message } },
    };
  }
  const message = redactText(messageOf(error));
  const text = `error: ${message}\n${stackOf(error)}\nThis is a bug of embedstream. Please report it to its issue tracker, with the lines above.\n`;
  return { exitCode: 1, text, json: { error: { code: 'BUG', message } } };
}

/** With all causes, as Node prints them, but without properties that may hold secrets. */
function stackOf(error: unknown): string {
  const stacks: string[] = [];
  for (let each = error; each instanceof Error && stacks.length < 5; each = each.cause)
    stacks.push(each.stack ?? each.message);
  return redactText(stacks.join('\ncaused by: '));
}
