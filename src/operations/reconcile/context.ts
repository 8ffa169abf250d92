import type { Codec } from '../../codec/port.ts';
import type { IdentityIndex } from '../../ledger/identity-index.ts';
import type { Log } from '../../log/port.ts';
import type { TopicNames } from '../../log/topics.ts';

/** What a reconciliation works on. Every topic and shard is read once, and numbers its ids in `ids`. */
export interface ReconcileContext {
  readonly log: Log;
  readonly codec: Codec;
  readonly topics: TopicNames;
  /** One for the whole reconciliation: the columns of one part are compared with those of another. */
  readonly ids: IdentityIndex;
  /** How buckets are reached. Default: nothing is set. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
}
