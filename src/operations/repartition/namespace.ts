import type { Codec } from '../../codec/port.ts';
import type { Log } from '../../log/port.ts';
import type { TopicNames } from '../../log/topics.ts';

/** One of the two namespaces of a copy. */
export interface Namespace {
  readonly namespace: string;
  readonly log: Log;
  readonly codec: Codec;
  readonly topics: TopicNames;
}
