import { fatalError } from '../../errors.ts';
import type { FetchedRecords, FetchRequest } from '../engine.ts';
import type { RetriedOperation } from '../observer.ts';
import { protocolError } from './internals.ts';
import type { KafkaCluster } from './kafka-cluster.ts';
import { FetchPump, type FetchedPartition, type Wanted } from './fetch-pump.ts';
import { OpenTransactionWait } from './open-transaction.ts';
import { RecordSet } from './wire/record-set.ts';

/** How long a broker holds a request for partitions that have nothing new. */
const POLL_MS = 250;
const ERROR_OFFSET_OUT_OF_RANGE = 1;

export interface PartitionBounds {
  readonly startOffset: number;
  readonly endOffset: number;
}

export interface KafkaFetcherOptions {
  readonly cluster: KafkaCluster;
  /** Connections of their own: a broker answers a connection's requests one after the other, and these wait. */
  readonly pollCluster: KafkaCluster;
  readonly bounds: (topic: string, partition: number) => Promise<PartitionBounds>;
  /** After so long a wait for a transaction of somebody's `onWait` is told of it, and again each time. */
  readonly openTransactionMs: number;
  readonly onWait: ((retry: RetriedOperation) => void) | undefined;
}

/**
 * Fetches partitions, all that are wanted from one broker in one request. What has records is answered at once; what
 * has none yet waits with the others in a request that the broker holds until there are some.
 */
export class KafkaFetcher {
  readonly #options: KafkaFetcherOptions;
  readonly #ready: FetchPump;
  readonly #polls: FetchPump;
  /**
   * Partitions whose last answer had much of what may be fetched at once: of an answer that they share with others each
   * would have to be copied, and while it is worked on nothing else would be on its way.
   */
  readonly #bulky = new Set<string>();

  constructor(options: KafkaFetcherOptions) {
    this.#options = options;
    this.#ready = new FetchPump(options.cluster, 0);
    this.#polls = new FetchPump(options.pollCluster, POLL_MS);
  }

  /**
   * Committed records of [from, to); waits until there are some, until reading may go on after a gap, or for `signal`.
   * Reading ends at the last stable offset: behind it are records whose transaction is still open.
   */
  async fetch(request: FetchRequest): Promise<FetchedRecords> {
    const { topic, partition, from, to, signal } = request;
    const { openTransactionMs, onWait } = this.#options;
    const wait = new OpenTransactionWait({ topic, partition, offset: from }, openTransactionMs);
    let pump = this.#ready;
    let { maxBytes } = request;
    while (from < to && signal?.aborted !== true) {
      const alone = pump === this.#ready && this.#bulky.has(`${topic}/${partition}`);
      const fetched = await this.#fetchOnce(pump, { topic, partition, from, maxBytes, signal, alone });
      if (fetched === undefined) break;
      this.#noteSize(fetched, maxBytes);
      if (fetched.errorCode === ERROR_OFFSET_OUT_OF_RANGE) return this.#resume(request);
      const set = new RecordSet(fetched.records, {
        topic,
        partition,
        from,
        to,
        aborted: fetched.aborted,
        maxTakenBytes: request.maxBytes,
      });
      if (!set.isEmpty() || set.nextOffset > from) return set;
      // A batch that is larger than what was asked for is sent whole only if it is the first of an answer.
      if (set.neededBytes === undefined) {
        pump = this.#polls;
        const retry = wait.polled(fetched, POLL_MS);
        if (retry !== undefined) onWait?.(retry);
      } else maxBytes = set.neededBytes;
    }
    return nothing(Math.min(from, to));
  }

  #noteSize({ topic, partition, records }: FetchedPartition, maxBytes: number): void {
    if (records.length * 2 >= maxBytes) this.#bulky.add(`${topic}/${partition}`);
    else this.#bulky.delete(`${topic}/${partition}`);
  }

  async #fetchOnce(pump: FetchPump, wanted: Wanted): Promise<FetchedPartition | undefined> {
    const { topic, partition, signal } = wanted;
    const { cluster } = this.#options;
    const attempt = async (): Promise<FetchedPartition | undefined> => {
      const fetched = await pump.fetch(wanted);
      const errorCode = fetched?.errorCode ?? 0;
      if (errorCode === 0 || errorCode === ERROR_OFFSET_OUT_OF_RANGE) return fetched;
      throw protocolError(errorCode);
    };
    return cluster.retry(`reading ${topic}/${partition}@${wanted.from}`, attempt, { signal, operation: 'fetch' });
  }

  /** Records before the partition's start are gone (retention): reading goes on there. */
  async #resume({ topic, partition, from, to }: FetchRequest): Promise<FetchedRecords> {
    const { startOffset, endOffset } = await this.#options.bounds(topic, partition);
    if (from < startOffset) return nothing(Math.min(startOffset, to));
    if (from <= endOffset) return nothing(from);
    throw fatalError(
      'LOG_UNREADABLE',
      `Reading ${topic}/${partition} was to go on at offset ${from}, but the partition ends at ${endOffset}: the topic was ` +
        `deleted and made again, or a broker lost data. Find out which; then set the group back with replay.`,
    );
  }
}

function nothing(nextOffset: number): FetchedRecords {
  return { nextOffset, isEmpty: () => true, take: () => [] };
}
