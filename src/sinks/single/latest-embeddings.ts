import type { Codec } from '../../codec/port.ts';
import { PipelineError } from '../../errors.ts';
import { IdentityTable } from '../../ledger/identity-table.ts';
import type { Log, LogRecord, PartitionInfo } from '../../log/port.ts';
import { UsableRecords } from '../usable-records.ts';

export interface LatestOptions {
  readonly log: Pick<Log, 'read'>;
  readonly codec: Pick<Codec, 'upgradeEmbedding'>;
  readonly topic: string;
}

/** Payload word 2 of the identity table: the latest record of the id is an embedding. */
const LIVE = 1;

/** The latest live embedding of each id of one partition, as it is at `endOffset`. 24 bytes an id. */
export class LatestEmbeddings {
  readonly partition: PartitionInfo;
  readonly #options: LatestOptions;
  readonly #usable: UsableRecords;
  readonly #latest = new IdentityTable();
  #live = 0;

  private constructor(options: LatestOptions, partition: PartitionInfo) {
    this.#options = options;
    this.#usable = new UsableRecords(options.codec);
    this.partition = partition;
  }

  /** Reads where the latest of each id is. What is no embedding does not count: it is a dead letter elsewhere. */
  static async find(options: LatestOptions, partition: PartitionInfo): Promise<LatestEmbeddings> {
    const found = new LatestEmbeddings(options, partition);
    for await (const records of found.#read()) for (const record of records) found.#remember(record);
    for (const slot of found.#latest.slots()) found.#live += found.#latest.payload(slot, 2);
    return found;
  }

  /** How many they are. */
  get count(): number {
    return this.#live;
  }

  /**
   * In offset order; valid until the next batch. Errors: FILE_SINK_SNAPSHOT_RACED (retriable) where some were compacted
   * away since, for newer ones.
   */
  async *records(): AsyncGenerator<readonly LogRecord[]> {
    let missing = this.#live;
    for await (const records of this.#read()) {
      const living = records.filter((record) => this.#isLatest(record));
      missing -= living.length;
      if (living.length > 0) yield living;
    }
    if (missing === 0) return;
    const what = `${this.#options.topic}/${this.partition.partition} was compacted while it was read`;
    throw new PipelineError('FILE_SINK_SNAPSHOT_RACED', `${what}. Nothing was written; run it again.`, {
      retriable: true,
    });
  }

  async *#read(): AsyncGenerator<readonly LogRecord[]> {
    const { log, topic } = this.#options;
    const { partition, startOffset, endOffset } = this.partition;
    for await (const { records } of log.read(topic, partition, startOffset, endOffset, { transient: true }))
      yield this.#usable.of(records, []);
  }

  #remember({ key, value, offset }: LogRecord): void {
    if (key === null) return;
    const slot = this.#latest.upsert(key);
    this.#latest.setPayloadNumber(slot, offset);
    this.#latest.setPayload(slot, 2, value === null ? 0 : LIVE);
  }

  #isLatest({ key, value, offset }: LogRecord): boolean {
    if (key === null || value === null) return false;
    const slot = this.#latest.find(key);
    return slot >= 0 && this.#latest.payloadNumber(slot) === offset;
  }
}
