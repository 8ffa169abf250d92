import type { Codec } from '../../codec/port.ts';
import type { Log } from '../../log/port.ts';
import type { TopicNames } from '../../log/topics.ts';

/** What the dead-letter operations work on. */
export interface DeadLetterContext {
  readonly log: Log;
  readonly codec: Codec;
  readonly topics: TopicNames;
  readonly namespace: string;
  readonly signal?: AbortSignal;
}
