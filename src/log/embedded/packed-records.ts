import { release } from '../../record/release.ts';
import type { FetchedRecords } from '../engine.ts';
import type { LogRecord } from '../port.ts';
import type { Fetched, FetchedSegment } from './protocol.ts';
import { readRecord, SIZE_AT } from './record-format.ts';

/** Records as the worker handed them over, decoded as they are taken. */
export class PackedRecords implements FetchedRecords {
  readonly nextOffset: number;
  readonly #segments: readonly FetchedSegment[];
  #segment = 0;
  #at = 0;

  constructor({ segments, nextOffset }: Fetched) {
    this.#segments = segments;
    this.nextOffset = nextOffset;
  }

  isEmpty(): boolean {
    return this.#segment >= this.#segments.length;
  }

  release(): void {
    for (const { bytes } of this.#segments) release(bytes);
  }

  take(maxRecords: number): readonly LogRecord[] {
    const records: LogRecord[] = [];
    for (let segment = this.#segments[this.#segment]; segment !== undefined; segment = this.#segments[this.#segment]) {
      const { baseOffset, bytes } = segment;
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      let at = this.#at;
      while (at < bytes.length && records.length < maxRecords) {
        records.push(readRecord(view, at, baseOffset));
        at += view.getUint32(at + SIZE_AT, true);
      }
      this.#at = at;
      if (at < bytes.length) break;
      this.#segment++;
      this.#at = 0;
    }
    return records;
  }
}
