import type { Headers, LogRecord, OutputRecord } from '../../log/port.ts';
import { partitionOf } from '../../log/partitioner.ts';
import { processorGroup } from '../../processors/embedding-task.ts';
import { DEAD_LETTER_HEADERS } from '../../record/dead-letter.ts';
import type { Namespace } from './namespace.ts';
import type { Versions } from './versions.ts';

export interface LetterMove {
  readonly source: Pick<Namespace, 'namespace' | 'topics'>;
  readonly target: Pick<Namespace, 'namespace' | 'topics'>;
  readonly partitions: number;
  /** With their copies set. */
  readonly records: Versions;
}

/**
 * A dead letter as it is in the copy: its headers name the copy of its record, and the processor there. A letter of an
 * older version of the record gets a place just before it.
 */
export function moveLetter({ key, value, headers, timestampMs }: LogRecord, move: LetterMove): OutputRecord {
  return { topic: move.target.topics.deadLetters, key, value, headers: movedHeaders(key, headers, move), timestampMs };
}

function movedHeaders(
  key: Uint8Array | null,
  headers: Headers,
  { source, target, partitions, records }: LetterMove,
): Headers {
  const names = DEAD_LETTER_HEADERS;
  const moved: Record<string, Uint8Array> = { ...headers };
  const connector = textOf(headers[names.connector]);
  const prefix = processorGroup(source.namespace, 'x').slice(0, -1);
  if (connector.startsWith(prefix))
    moved[names.connector] = Buffer.from(processorGroup(target.namespace, connector.slice(prefix.length)));
  if (textOf(headers[names.topic]) !== source.topics.records) return moved;
  const newest = key === null ? undefined : records.find(key);
  const copy = key === null || newest?.isLive !== true ? 0 : records.copyOf(key);
  const isNewest =
    textOf(headers[names.partition]) === String(newest?.partition) &&
    textOf(headers[names.offset]) === String(newest?.offset);
  moved[names.topic] = Buffer.from(target.topics.records);
  moved[names.partition] = Buffer.from(String(partitionOf(key, partitions)));
  moved[names.offset] = Buffer.from(String(isNewest ? copy : Math.max(0, copy - 1)));
  return moved;
}

function textOf(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : Buffer.from(bytes).toString();
}
