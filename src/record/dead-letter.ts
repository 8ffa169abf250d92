import type { PipelineError } from '../errors.ts';

/** Header names of Kafka Connect's dead letter queue (KIP-298), so that its tools read ours. */
export const DEAD_LETTER_HEADERS = {
  topic: '__connect.errors.topic',
  partition: '__connect.errors.partition',
  offset: '__connect.errors.offset',
  connector: '__connect.errors.connector.name',
  stage: '__connect.errors.stage',
  exceptionClass: '__connect.errors.exception.class.name',
  message: '__connect.errors.exception.message',
  /** Ours: where in a source, 1-based. */
  line: '__connect.errors.line',
  /** Ours: the file in a source of several. */
  file: '__connect.errors.file',
} as const;

/**
 * Set by `dead-letters retry`: the attempt's number. The processor then embeds what its ledger has as dead-lettered, and
 * a dead letter of it carries the number on.
 */
export const ATTEMPT_HEADER = 'embedstream.attempt';

export interface DeadLetterOrigin {
  /** `produce`, `import`, `process` or `sink`. */
  readonly stage: string;
  /** The source, or the group of the processor or sink. */
  readonly connector: string;
  /** Topic and place of the record, where it came from the log. */
  readonly topic?: string;
  readonly partition?: number;
  readonly offset?: number;
  /** Line in the source, where it came from one. */
  readonly line?: number;
  /** File, where the source has several. */
  readonly file?: string;
}

/** Told of each record or row that becomes a dead letter; what it is told may still be undone by a crash. */
export type OnDeadLetter = (origin: DeadLetterOrigin, reason: Pick<PipelineError, 'code' | 'message'>) => void;

/** Headers that say why and from where; the dead letter's value is the original bytes, untouched. */
export function deadLetterHeaders(
  origin: DeadLetterOrigin,
  reason: Pick<PipelineError, 'code' | 'message'>,
): Record<string, Uint8Array> {
  const names = DEAD_LETTER_HEADERS;
  const headers: Record<string, Uint8Array> = {};
  const set = (name: string, value: string | number | undefined): void => {
    if (value !== undefined) headers[name] = Buffer.from(String(value));
  };
  set(names.stage, origin.stage);
  set(names.connector, origin.connector);
  set(names.topic, origin.topic);
  set(names.partition, origin.partition);
  set(names.offset, origin.offset);
  set(names.line, origin.line);
  set(names.file, origin.file);
  set(names.exceptionClass, reason.code);
  set(names.message, reason.message);
  return headers;
}
