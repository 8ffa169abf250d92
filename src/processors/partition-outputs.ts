import type { Codec } from '../codec/port.ts';
import type { PipelineError } from '../errors.ts';
import type { TopicPartition } from '../log/placement.ts';
import type { LogRecord, OutputRecord } from '../log/port.ts';
import type { EmbedResult, Embedder } from '../models/port.ts';
import { ATTEMPT_HEADER, deadLetterHeaders, type OnDeadLetter } from '../record/dead-letter.ts';
import type { ProcessCounts } from './outcomes.ts';
import type { Decision } from './plan.ts';

export interface PartitionOutputsOptions {
  readonly codec: Codec;
  readonly embedder: Pick<Embedder, 'info'>;
  readonly clock: () => number;
  readonly fingerprint: Uint8Array;
  readonly group: string;
  readonly input: TopicPartition;
  readonly outputTopics: { readonly embeddings: string; readonly ledger: string; readonly deadLetters: string };
  readonly onDeadLetter?: OnDeadLetter;
}

/** What could not be embedded: its bytes, or what the model said to it. */
export type Failed = Exclude<Decision, { kind: 'delete' }>;

/** Where in a model's answers a vector is. */
interface Answered {
  readonly result: EmbedResult;
  readonly index: number;
  /** The model was given it for another record. */
  readonly isReused: boolean;
}

/** Makes of what became of a record what goes to the log: the output with its entry in the ledger; and counts it. */
export class PartitionOutputs {
  readonly #options: PartitionOutputsOptions;

  constructor(options: PartitionOutputsOptions) {
    this.#options = options;
  }

  embedding(
    { record, view, contentHash }: Extract<Decision, { kind: 'embed' }>,
    { result: { vectors, tokenCounts, truncated }, index, isReused }: Answered,
    counts: ProcessCounts,
    outputs: OutputRecord[],
  ): void {
    const { codec, embedder, fingerprint, clock, outputTopics } = this.#options;
    const { name, dimension } = embedder.info;
    const tokenCount = tokenCounts[index] ?? 0;
    const isTruncated = truncated[index] === 1;
    const value = codec.encodeEmbeddingOf(view, {
      model: name,
      fingerprint,
      contentHash,
      tokenCount,
      truncated: isTruncated,
      createdAt: clock(),
      vector: vectors.subarray(index * dimension, (index + 1) * dimension),
    });
    outputs.push(this.#output(outputTopics.embeddings, record.key, value));
    this.#ledger(record, contentHash, 'embedded', outputs);
    counts.embedded++;
    if (isReused) counts.reused++;
    else counts.tokens += tokenCount;
    if (isTruncated) counts.truncated++;
  }

  deletion(record: LogRecord, outputs: OutputRecord[]): void {
    const { embeddings, ledger } = this.#options.outputTopics;
    outputs.push(this.#output(embeddings, record.key, null), this.#output(ledger, record.key, null));
  }

  deadLetter(
    { record, contentHash, known }: Failed,
    error: PipelineError,
    counts: ProcessCounts,
    outputs: OutputRecord[],
  ): void {
    const { outputTopics, group, input, onDeadLetter } = this.#options;
    const origin = { stage: 'process', connector: group, ...input, offset: record.offset };
    const attempt = record.headers[ATTEMPT_HEADER];
    onDeadLetter?.(origin, error);
    outputs.push({
      ...this.#output(outputTopics.deadLetters, record.key, record.value),
      headers: { ...deadLetterHeaders(origin, error), ...(attempt && { [ATTEMPT_HEADER]: attempt }) },
    });
    // An embedding of what the id said before is not one of what it says now.
    if (known) outputs.push(this.#output(outputTopics.embeddings, record.key, null));
    this.#ledger(record, contentHash, 'dead-lettered', outputs);
    counts.deadLettered++;
    counts.deadLettersByReason[error.code] = (counts.deadLettersByReason[error.code] ?? 0) + 1;
  }

  #ledger(
    record: LogRecord,
    contentHash: Uint8Array,
    outcome: 'embedded' | 'dead-lettered',
    outputs: OutputRecord[],
  ): void {
    const { codec, fingerprint, outputTopics } = this.#options;
    const value = codec.encodeLedgerParts({ contentHash, fingerprint, outcome, offset: record.offset });
    outputs.push(this.#output(outputTopics.ledger, record.key, value));
  }

  /** Output partition = input partition, so that a partition's ledger lives where its records do. */
  #output(topic: string, key: Uint8Array | null, value: Uint8Array | null): OutputRecord {
    return { topic, partition: this.#options.input.partition, key, value };
  }
}
