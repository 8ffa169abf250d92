/** How a failure ends. There is no fourth way. */
export type FailureOutcome = 'retry' | 'dead-letter' | 'stop';

export interface PipelineErrorOptions {
  /** Whether the same call may succeed later without anyone changing anything. */
  readonly retriable: boolean;
  /** True when one record's own data is at fault: the record becomes a dead letter and the run goes on. */
  readonly poison?: boolean;
  readonly cause?: unknown;
}

/**
 * The one error class. `code` is stable (SCREAMING_SNAKE) and meant for programs; `message` says what went wrong,
 * where (file:line, topic/partition@offset, model) and what to do about it, and never holds a secret.
 */
export class PipelineError extends Error {
  override readonly name = 'PipelineError';
  readonly code: string;
  readonly retriable: boolean;
  readonly poison: boolean;

  constructor(code: string, message: string, options: PipelineErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retriable = options.retriable;
    this.poison = options.poison ?? false;
  }
}

/** Wrong flags, configuration or arguments: exit code 2. */
export class UsageError extends PipelineError {
  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super('USAGE', message, { retriable: false, ...options });
  }
}

/** A record's own data is at fault. */
export function poisonError(code: string, message: string, cause?: unknown): PipelineError {
  return new PipelineError(code, message, { retriable: false, poison: true, cause });
}

/** A fault of the world that waiting will not mend. */
export function fatalError(code: string, message: string, cause?: unknown): PipelineError {
  return new PipelineError(code, message, { retriable: false, cause });
}

export function failureOutcome(error: unknown): FailureOutcome {
  if (!(error instanceof PipelineError)) return 'stop';
  if (error.poison) return 'dead-letter';
  return error.retriable ? 'retry' : 'stop';
}

/** The text of anything thrown, for a message that wraps it. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A reason in one line and without its full stop, to stand within a sentence. */
export function asClause(reason: string): string {
  return reason.replace(/\s+/g, ' ').trim().replace(/\.+$/, '');
}
