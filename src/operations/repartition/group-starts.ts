import type { PartitionOffset } from '../../log/port.ts';
import { findTopic } from '../topic-reading.ts';
import type { Namespace } from './namespace.ts';
import type { Version } from './versions.ts';

/**
 * Where the processors of a copy begin: at the first record that the processor of the same model had not read. What it
 * had read is in the ledger, and would be skipped.
 */
export class GroupStarts {
  /** Next offset by partition of the source, by model. */
  readonly #committed: ReadonlyMap<string, ReadonlyMap<number, number>>;
  /** First offset that is not read, by partition of the copy, by model. */
  readonly #starts: ReadonlyMap<string, Map<number, number>>;

  constructor(models: readonly string[], committedOf: (model: string) => readonly PartitionOffset[]) {
    const byPartition = (model: string): Map<number, number> =>
      new Map(committedOf(model).map(({ partition, offset }) => [partition, offset]));
    this.#committed = new Map(models.map((model) => [model, byPartition(model)]));
    this.#starts = new Map(models.map((model) => [model, new Map<number, number>()]));
  }

  /** In offset order. `original`: undefined for a deletion, which nobody has read in the copy. */
  note(partition: number, offset: number, original: Version | undefined): void {
    for (const [model, starts] of this.#starts) {
      if (starts.has(partition)) continue;
      const committed = original && this.#committed.get(model)?.get(original.partition);
      if (committed === undefined || committed <= (original?.offset ?? Infinity)) starts.set(partition, offset);
    }
  }

  async offsets(
    model: string,
    { log, topics }: Pick<Namespace, 'log' | 'topics'>,
  ): Promise<{ topic: string; partition: number; offset: number }[]> {
    const starts = this.#starts.get(model);
    const topic = await findTopic(log, topics.records);
    return (topic?.partitionInfo ?? []).map(({ partition, endOffset }) => ({
      topic: topics.records,
      partition,
      offset: starts?.get(partition) ?? endOffset,
    }));
  }
}
