import type { Codec } from '../codec/port.ts';
import { bytesOfHash } from '../codec/hashes.ts';
import { Ledger, restoreLedger } from '../ledger/ledger.ts';
import type { Log, PartitionContext, PartitionTask, Task } from '../log/port.ts';
import { compactedTopic, compressedTopic, deadLetterTopic, topicSegment, type TopicNames } from '../log/topics.ts';
import type { Embedder } from '../models/port.ts';
import type { OnDeadLetter } from '../record/dead-letter.ts';
import { EmbeddingPartition } from './embedding-partition.ts';
import { emptyCounts, type ProcessCounts } from './outcomes.ts';

export interface EmbeddingTaskOptions {
  readonly log: Log;
  readonly codec: Codec;
  readonly embedder: Embedder;
  readonly topics: TopicNames;
  readonly namespace: string;
  readonly clock: () => number;
  readonly onProgress?: (counts: ProcessCounts) => void;
  readonly onDeadLetter?: OnDeadLetter;
}

/** The topics a processor writes; to be created with as many partitions as the records topic has. */
export async function ensureProcessorTopics(
  log: Log,
  topics: TopicNames,
  model: string,
  partitions: number,
): Promise<void> {
  await log.ensureTopics([
    compressedTopic(topics.records, partitions),
    compactedTopic(topics.embeddings(model), partitions),
    compactedTopic(topics.ledger(model), partitions),
    deadLetterTopic(topics.deadLetters, partitions),
  ]);
}

/** The embedding task of one model: a consumer group of its own on the records topic. */
export class EmbeddingTask implements Task {
  readonly group: string;
  readonly inputs: readonly string[];
  /** What has been committed since the task was made. */
  readonly counts: ProcessCounts = emptyCounts();
  readonly #options: EmbeddingTaskOptions;
  readonly #inFlight = { batches: 0 };
  #restoring: Promise<unknown> = Promise.resolve();

  constructor(options: EmbeddingTaskOptions) {
    this.#options = options;
    this.group = processorGroup(options.namespace, options.embedder.info.name);
    this.inputs = [options.topics.records];
  }

  async open({ partition, topic, signal }: PartitionContext): Promise<PartitionTask> {
    const { log, codec, embedder, topics, clock, onProgress, onDeadLetter } = this.#options;
    const { name, kinds, fingerprint } = embedder.info;
    const ledger = new Ledger();
    await this.#inTurn(() => restoreLedger(ledger, { log, codec, topic: topics.ledger(name), partition }, signal));
    const print = bytesOfHash(fingerprint);
    const partitions = (await log.topics()).find((each) => each.name === topic)?.partitions ?? 1;
    return new EmbeddingPartition({
      codec,
      embedder,
      ledger,
      inFlight: this.#inFlight,
      clock,
      kinds,
      fingerprint: print,
      // What an older version of the model embedded lies before the group's offset. What this one embedded is skipped.
      ...(ledger.hasOtherThan(print) && { startOffset: 0 }),
      group: this.group,
      input: { topic, partition, partitions },
      outputTopics: {
        embeddings: topics.embeddings(name),
        ledger: topics.ledger(name),
        deadLetters: topics.deadLetters,
      },
      counts: this.counts,
      onCommitted: () => onProgress?.(this.counts),
      ...(onDeadLetter !== undefined && { onDeadLetter }),
    });
  }

  /** One partition after the other: side by side, the memory of what they read would add up, and nothing be faster. */
  async #inTurn(restore: () => Promise<void>): Promise<void> {
    const before = this.#restoring;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#restoring = promise;
    await before;
    try {
      await restore();
    } finally {
      resolve(undefined);
    }
  }
}

export function processorGroup(namespace: string, model: string): string {
  return `${topicSegment(namespace)}.processor.${topicSegment(model)}`;
}
