import type { ShardDescriptor } from '../../record/types.ts';
import type { VersionColumns } from './columns.ts';

/** What of a file sink has to be written again: by partition, from an offset on. */
export class RewritePlan {
  readonly from = new Map<number, number>();

  shard({ partition, firstOffset }: ShardDescriptor): void {
    this.#note(partition, firstOffset);
  }

  /** Something is wrong with an id: its latest version is written again, or all where only the files know it. */
  id(index: number, onLog: VersionColumns, written: VersionColumns): void {
    const known = onLog.place(index);
    if (known !== undefined) this.#note(known.partition, known.offset);
    else this.partitionOf(index, written);
  }

  /** Nobody can tell which shard is the one too many. */
  partitionOf(index: number, written: VersionColumns): void {
    const place = written.place(index);
    if (place !== undefined) this.#note(place.partition, 0);
  }

  #note(partition: number, offset: number): void {
    this.from.set(partition, Math.min(offset, this.from.get(partition) ?? Infinity));
  }
}
