import type { FetchedRecords } from '../../engine.ts';
import type { LogRecord } from '../../port.ts';
import { AbortedTransactions, type AbortedTransaction } from './aborted-transactions.ts';
import type { BatchRecords } from './batch-records.ts';
import { release } from '../../../record/release.ts';
import { BATCH_HEADER_BYTES } from './record-batch-layout.ts';
import { batchLength, RecordBatch, type Place } from './record-batch.ts';

export interface RecordSetOptions extends Place {
  /** First wanted offset. */
  readonly from: number;
  /** First offset that is not wanted; may be Infinity. */
  readonly to: number;
  readonly aborted: readonly AbortedTransaction[];
  /** Most bytes of keys and values that one `take` answers with, but at least one record. Batches may be compressed. */
  readonly maxTakenBytes?: number;
}

const NOTHING = Buffer.alloc(0);

/**
 * The committed records of [from, to) in a fetch response's record set: record batches one after the other, the last of
 * which may be cut off. Batches are checked, decompressed and decoded as records are taken, one at a time. Records
 * are views into the set or into what was decompressed.
 *
 * The constructor, `isEmpty` and `take` throw LOG_UNREADABLE.
 */
export class RecordSet implements FetchedRecords {
  readonly nextOffset: number;
  /** Bytes that the first batch takes, where it is not all there: ask again with as many. */
  readonly neededBytes: number | undefined;
  #set: Buffer<ArrayBuffer>;
  /** Of the set, where nothing else lies in it. */
  #memory: ArrayBuffer | undefined;
  #hasViews = false;
  readonly #options: RecordSetOptions;
  readonly #aborted: AbortedTransactions;
  /** Where the whole batches that may be wanted end. */
  readonly #end: number;
  /** Where the next batch begins. */
  #at = 0;
  #records: BatchRecords | undefined;
  /** Looked up by `isEmpty` and not yet taken. */
  #ahead: LogRecord | undefined;

  constructor(set: Buffer<ArrayBuffer>, options: RecordSetOptions) {
    this.#set = set;
    // A small set shares its memory with others.
    this.#memory = set.length * 2 > set.buffer.byteLength ? set.buffer : undefined;
    this.#options = options;
    this.#aborted = new AbortedTransactions(options.aborted);
    const { end, nextOffset, neededBytes } = walk(set, options);
    this.#end = end;
    this.nextOffset = nextOffset;
    this.neededBytes = neededBytes;
  }

  release(): void {
    if (this.#memory !== undefined) release(this.#memory);
  }

  isEmpty(): boolean {
    this.#ahead ??= this.#next();
    return this.#ahead === undefined;
  }

  take(maxRecords: number): readonly LogRecord[] {
    const { maxTakenBytes = Infinity } = this.#options;
    const taken: LogRecord[] = [];
    let bytes = 0;
    while (taken.length < maxRecords) {
      const record = this.#ahead ?? this.#next();
      this.#ahead = undefined;
      if (record === undefined) break;
      bytes += (record.key?.length ?? 0) + (record.value?.length ?? 0);
      if (bytes > maxTakenBytes && taken.length > 0) {
        this.#ahead = record;
        break;
      }
      taken.push(record);
    }
    return taken;
  }

  #next(): LogRecord | undefined {
    const { from, to } = this.#options;
    for (;;) {
      this.#records ??= this.#nextBatch();
      if (this.#records === undefined) return undefined;
      const record = this.#records.next();
      if (record === undefined) this.#records = undefined;
      else if (record.offset >= to) this.#stop();
      else if (record.offset >= from) return record;
    }
  }

  /** The records of the next batch that belongs to no aborted transaction. */
  #nextBatch(): BatchRecords | undefined {
    while (this.#at < this.#end) {
      const length = batchLength(this.#set, this.#at, this.#options) ?? 0;
      const batch = new RecordBatch(this.#set, this.#at, this.#at + length, this.#options);
      batch.check();
      const records = this.#isHidden(batch) ? undefined : batch.records();
      // Only now: a batch that can't be read stays unreadable, whoever asks again.
      this.#at = batch.end;
      if (records !== undefined && !batch.isCompressed) this.#hasViews = true;
      if (this.#at >= this.#end) this.#forgetSet();
      if (records !== undefined) return records;
    }
    return undefined;
  }

  /** Of a control batch's markers and aborted transactions, nothing is handed over. */
  #isHidden(batch: RecordBatch): boolean {
    if (batch.isControl) {
      if (batch.isAbortMarker()) this.#aborted.end(batch.producerId, batch.lastOffset);
      return true;
    }
    return batch.isTransactional && this.#aborted.hides(batch.producerId, batch.lastOffset);
  }

  /** What was decompressed is enough from here on. */
  #forgetSet(): void {
    this.#set = NOTHING;
    if (!this.#hasViews) this.#memory = undefined;
  }

  #stop(): void {
    this.#records = undefined;
    this.#at = this.#end;
  }
}

/** What the headers say, before anything is decoded. */
function walk(
  set: Buffer<ArrayBuffer>,
  options: RecordSetOptions,
): { readonly end: number; readonly nextOffset: number; readonly neededBytes: number | undefined } {
  const { from, to } = options;
  let nextOffset = Math.min(from, to);
  let at = 0;
  while (nextOffset < to) {
    const length = batchLength(set, at, options);
    const end = at + (length ?? Infinity);
    if (end > set.length) {
      const isFirst = at === 0 && set.length > 0;
      return { end: at, nextOffset, neededBytes: isFirst ? (length ?? BATCH_HEADER_BYTES) : undefined };
    }
    const { baseOffset, lastOffset } = new RecordBatch(set, at, end, options);
    if (baseOffset >= to) return { end: at, nextOffset: to, neededBytes: undefined };
    nextOffset = Math.min(Math.max(nextOffset, lastOffset + 1), to);
    at = end;
  }
  return { end: at, nextOffset, neededBytes: undefined };
}
