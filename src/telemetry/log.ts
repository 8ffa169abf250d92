import { pino } from 'pino';
import { redact, redactText } from './redact.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export type LogFields = Readonly<Record<string, unknown>>;

/** The logger that everything gets handed. Fields are data for machines; an error goes under `err`. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same logger with these fields on every line. */
  child(fields: LogFields): Logger;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  /** `human`: `warn: message (field=value)`; `json`: one object a line. */
  readonly format: 'human' | 'json';
  /** Gets whole lines with their line break. */
  readonly write: (line: string) => void;
  /** Human lines show stacks only with this. */
  readonly stacks?: boolean;
}

/** Secrets never get through: see `redact.ts`. */
export function createLogger({ level, format, write, stacks = false }: LoggerOptions): Logger {
  const destination = {
    write: (line: string) => {
      write(format === 'json' ? line : humanLine(line, stacks));
    },
  };
  const base = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // Errors are described by `redact`, which knows what of them is harmless.
      serializers: { err: (description: unknown) => description },
    },
    destination,
  );
  return wrapPino(base);
}

export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};

/** Redacts here, not in pino: its formatters do not see the fields of a child. */
function wrapPino(logger: pino.Logger): Logger {
  const at =
    (level: Exclude<LogLevel, 'silent'>) =>
    (message: string, fields: LogFields = {}): void => {
      if (logger.isLevelEnabled(level)) logger[level](redactFields(fields), redactText(message));
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => wrapPino(logger.child(redactFields(fields))),
  };
}

function redactFields(fields: LogFields): Record<string, unknown> {
  return redact(fields) as Record<string, unknown>;
}

/** What of a JSON line has a place of its own in a human one. */
interface LoggedLine {
  readonly level: string;
  readonly msg?: string;
  readonly err?: { readonly message?: string; readonly stack?: string };
  readonly [field: string]: unknown;
}

const PLACED_FIELDS = new Set(['level', 'time', 'msg', 'err']);

/** A JSON line of pino's as people read it: `warn: message (field=value)`; `info:` goes without saying. */
export function humanLine(jsonLine: string, stacks = false): string {
  const line = JSON.parse(jsonLine) as LoggedLine;
  const prefix = line.level === 'info' ? '' : `${line.level}: `;
  const fields = Object.entries(line).filter(([key]) => !PLACED_FIELDS.has(key));
  const shown = fields.map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const details = shown.length === 0 ? '' : ` (${shown.join(', ')})`;
  return `${prefix}${line.msg ?? ''}${details}${errorText(line.err, stacks)}\n`;
}

function errorText(error: LoggedLine['err'], stacks: boolean): string {
  if (error === undefined) return '';
  if (stacks && error.stack !== undefined && error.stack !== '') return `\n${error.stack}`;
  return error.message === undefined ? '' : `: ${error.message}`;
}
