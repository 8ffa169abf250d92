import type { AppendedRange, LogRecord, OutputRecord, TransactionalProducer } from '../../log/port.ts';
import { ATTEMPT_HEADER } from '../../record/dead-letter.ts';
import { keyText } from '../../record/key-text.ts';
import { findTopic, readPartitionOf } from '../topic-reading.ts';
import type { DeadLetterContext } from './context.ts';
import { attemptOf } from './letter.ts';

/** A record to publish again, as it lies on the records topic. */
export interface Retry {
  readonly key: Uint8Array;
  readonly partition: number;
  /** Of the record as it is now. */
  readonly offset: number;
  /** Number of the attempt that this makes. */
  readonly attempt: number;
}

/** A transaction holds no more than this, unless one record alone is larger. */
const BATCH_BYTES = 4 * 1024 * 1024;
const BATCH_RECORDS = 1_000;
/** Records this close are read in one go. */
const NEAR = 200;

/** Publishes records again without ever leaving an older version of a record behind a newer one. */
export class RetryPublisher {
  readonly #context: DeadLetterContext;
  readonly #producer: TransactionalProducer;
  /** Up to where newer versions were looked for, by partition. */
  #read = new Map<number, number>();
  #published = 0;
  #overtaken = 0;

  constructor(context: DeadLetterContext, producer: TransactionalProducer) {
    this.#context = context;
    this.#producer = producer;
  }

  /** Records published since this was asked last. */
  takePublished(): number {
    const published = this.#published;
    this.#published = 0;
    return published;
  }

  /** Records that a newer version came before, since this was asked last. */
  takeOvertaken(): number {
    const overtaken = this.#overtaken;
    this.#overtaken = 0;
    return overtaken;
  }

  /** `recordsRead`: up to where the retries are known to be the latest versions, by partition. */
  async publish(
    retries: readonly Retry[],
    recordsRead: ReadonlyMap<number, number>,
    onProgress: (published: number) => void,
  ): Promise<void> {
    this.#read = new Map(recordsRead);
    let batch: OutputRecord[] = [];
    let bytes = 0;
    for await (const output of this.#outputs(retries)) {
      const size = (output.key?.length ?? 0) + (output.value?.length ?? 0);
      if (batch.length === BATCH_RECORDS || (batch.length > 0 && bytes + size > BATCH_BYTES)) {
        await this.#publishBatch(batch);
        onProgress(this.#published);
        batch = [];
        bytes = 0;
      }
      batch.push(output);
      bytes += size;
    }
    await this.#publishBatch(batch);
    onProgress(this.#published);
  }

  /** The records themselves: their bytes and key as they were, on the partition where they were. */
  async *#outputs(retries: readonly Retry[]): AsyncGenerator<OutputRecord> {
    const { log, topics, signal } = this.#context;
    for (const near of nearby(retries)) {
      const wanted = new Map(near.map((retry) => [retry.offset, retry]));
      const [first, last] = [near[0], near.at(-1)];
      if (first === undefined || last === undefined) continue;
      const range = { partition: first.partition, startOffset: first.offset, endOffset: last.offset + 1 };
      for await (const records of readPartitionOf(log, topics.records, range, signal))
        for (const record of records) {
          const retry = wanted.get(record.offset);
          if (retry === undefined || record.value === null) continue;
          const headers = { [ATTEMPT_HEADER]: Buffer.from(String(retry.attempt)) };
          yield { ...copyOf(topics.records, retry.partition, record, headers), key: retry.key };
        }
    }
  }

  /**
   * One transaction. A newer version that a source published since the records topic was read is not overwritten; one
   * that comes in the very moment of the append is published after it once more, so that it is the latest again.
   */
  async #publishBatch(batch: readonly OutputRecord[]): Promise<void> {
    this.#context.signal?.throwIfAborted();
    const newer = await this.#versionsBefore(batch);
    let outputs = batch.filter(({ key }) => key !== null && !newer.has(keyText(key)));
    this.#overtaken += batch.length - outputs.length;
    this.#published += outputs.length;
    while (outputs.length > 0) {
      const ranges = await this.#producer.append(outputs);
      const overwritten = await this.#versionsBefore(outputs, ranges);
      outputs = [...overwritten.values()];
    }
  }

  /**
   * The latest version of each key of the batch since the last look: up to the end, or up to our own version where the
   * batch was `appended` (others may write in between).
   */
  async #versionsBefore(
    batch: readonly OutputRecord[],
    appended?: readonly AppendedRange[],
  ): Promise<ReadonlyMap<string, OutputRecord>> {
    const { log, topics, signal } = this.#context;
    const waiting = new Map(batch.map((output) => [keyText(output.key ?? new Uint8Array()), output]));
    const partitions = new Set(batch.map(({ partition }) => partition));
    const newer = new Map<string, OutputRecord>();
    for (const info of (await findTopic(log, topics.records))?.partitionInfo ?? []) {
      const { partition } = info;
      if (!partitions.has(partition)) continue;
      const startOffset = this.#read.get(partition) ?? info.endOffset;
      const range = appended?.find((each) => each.partition === partition);
      const endOffset = range === undefined ? info.endOffset : range.lastOffset + 1;
      for await (const records of readPartitionOf(log, topics.records, { ...info, startOffset, endOffset }, signal))
        for (const record of records) {
          const key = record.key === null ? '' : keyText(record.key);
          const own = waiting.get(key);
          if (own === undefined) continue;
          if (appended !== undefined && isSame(record, own)) waiting.delete(key);
          else newer.set(key, copyOf(topics.records, partition, record, record.headers));
        }
      this.#read.set(partition, endOffset);
    }
    return newer;
  }
}

function isSame(record: LogRecord, output: OutputRecord): boolean {
  const [a, b] = [attemptOf(record.headers), attemptOf(output.headers ?? {})];
  const [before, after] = [record.value, output.value];
  if (before === null || after === null) return before === after && a === b;
  return a === b && Buffer.compare(before, after) === 0;
}

/** A record that outlives its batch. */
function copyOf(
  topic: string,
  partition: number,
  { key, value }: LogRecord,
  headers: LogRecord['headers'],
): OutputRecord {
  const copiedHeaders = Object.entries(headers).map(([name, bytes]) => [name, Uint8Array.from(bytes)] as const);
  return {
    topic,
    partition,
    key: key && Uint8Array.from(key),
    value: value && Uint8Array.from(value),
    headers: Object.fromEntries(copiedHeaders),
  };
}

/** By partition and offset, cut where the next one is far away. */
function* nearby(retries: readonly Retry[]): Generator<readonly Retry[]> {
  const sorted = retries.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset);
  let near: Retry[] = [];
  for (const retry of sorted) {
    const last = near.at(-1);
    if (last !== undefined && (last.partition !== retry.partition || retry.offset - last.offset > NEAR)) {
      yield near;
      near = [];
    }
    near.push(retry);
  }
  if (near.length > 0) yield near;
}
