import type { Headers, LogRecord } from '../../log/port.ts';
import { ATTEMPT_HEADER, DEAD_LETTER_HEADERS } from '../../record/dead-letter.ts';

/** A dead letter without its value: what its headers say. */
export interface DeadLetter {
  /** Where it lies in the dead-letters topic: `<partition>@<offset>`, its name for `show` and `retry`. */
  readonly letter: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  /** The key as text: a record id, or `<source>:<line>` of what never became a record. */
  readonly id: string;
  /** `produce`, `import`, `process` or `sink`; '' when something else wrote it. */
  readonly stage: string;
  /** The code of the error. */
  readonly reason: string;
  readonly message: string;
  /** The source, or the group of the processor. */
  readonly connector: string;
  /** Whose processor it was, as in the names of its topics. */
  readonly model?: string;
  /** The record, where it came from the log. */
  readonly origin?: RecordPlace;
  /** File of the source, where it has several. */
  readonly file?: string;
  /** Line in the source or file, 1-based, where it came from one; 0: the file as a whole. */
  readonly line?: number;
  /** 1: it was never retried before. */
  readonly attempt: number;
  /** Size of the value. */
  readonly bytes: number;
  /** False: a later letter of the same record and model stands for it. */
  readonly isLatest: boolean;
}

export interface RecordPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

const utf8 = new TextDecoder();

/** What a record of the dead-letters topic says; nothing of it is a view of the record. */
export function letterOf(record: LogRecord, partition: number, groupPrefix: string): Omit<DeadLetter, 'isLatest'> {
  const { offset, timestampMs, key, value, headers } = record;
  const names = DEAD_LETTER_HEADERS;
  const connector = headerText(headers, names.connector) ?? '';
  const line = headerNumber(headers, names.line);
  const origin = originOf(headers);
  const file = headerText(headers, names.file);
  return {
    letter: `${partition}@${offset}`,
    partition,
    offset,
    timestampMs,
    key: key === null ? null : Uint8Array.from(key),
    id: key === null ? '' : utf8.decode(key),
    stage: headerText(headers, names.stage) ?? '',
    reason: headerText(headers, names.exceptionClass) ?? '',
    message: headerText(headers, names.message) ?? '',
    connector,
    ...(connector.startsWith(groupPrefix) && { model: connector.slice(groupPrefix.length) }),
    ...(origin && { origin }),
    ...(file !== undefined && { file }),
    ...(line !== undefined && { line }),
    attempt: headerNumber(headers, ATTEMPT_HEADER) ?? 1,
    bytes: value?.length ?? 0,
  };
}

/** Attempt number of a record on the records topic; undefined: not a retry. */
export function attemptOf(headers: Headers): number | undefined {
  return headers[ATTEMPT_HEADER] === undefined ? undefined : (headerNumber(headers, ATTEMPT_HEADER) ?? 1);
}

function originOf(headers: Headers): RecordPlace | undefined {
  const topic = headerText(headers, DEAD_LETTER_HEADERS.topic);
  const partition = headerNumber(headers, DEAD_LETTER_HEADERS.partition);
  const offset = headerNumber(headers, DEAD_LETTER_HEADERS.offset);
  return topic === undefined || partition === undefined || offset === undefined
    ? undefined
    : { topic, partition, offset };
}

function headerText(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return value && utf8.decode(value);
}

/** undefined also for what is no whole number: other programs may write to the topic. */
function headerNumber(headers: Headers, name: string): number | undefined {
  const text = headerText(headers, name);
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
