import type { FetchedRecords, LogEngine } from './engine.ts';
import { observedRetries } from './observer.ts';
import type { ReadOptions, RecordBatch } from './port.ts';
import { withRetries } from './retry.ts';

const DEFAULT_READ_BYTES = 4 * 1024 * 1024;
/** Few enough for the objects of a batch to die young: 100 MB less than 4,096 for `reconcile` of 1,000,000 records, and faster. */
const BATCH_RECORDS = 256;

/** Committed records of [from, to) up to the end as seen now, the next fetch under way while one is worked on. */
export async function* readPartition(
  engine: Pick<LogEngine, 'describe' | 'fetch' | 'observer'>,
  topic: string,
  partition: number,
  from: number,
  to: number,
  options: ReadOptions = {},
): AsyncGenerator<RecordBatch> {
  const { signal, transient = false, maxBatchBytes: maxBytes = DEFAULT_READ_BYTES } = options;
  const info = (await engine.describe(topic)).partitionInfo[partition];
  const limit = Math.min(to, info?.endOffset ?? 0);
  const fetch = (position: number): Promise<FetchedRecords> => {
    const request = { topic, partition, from: position, to: limit, maxBytes };
    const retries = observedRetries(engine.observer, 'read', { topic, partition, offset: position });
    const fetched = withRetries(() => engine.fetch(request), signal, retries);
    // A reader that stops early never awaits this one.
    fetched.catch(() => undefined);
    return fetched;
  };
  let position = from;
  let ahead = position < limit ? fetch(position) : undefined;
  while (ahead) {
    signal?.throwIfAborted();
    const fetched: FetchedRecords = await ahead;
    position = fetched.nextOffset;
    ahead = position < limit ? fetch(position) : undefined;
    while (!fetched.isEmpty()) {
      signal?.throwIfAborted();
      const records = fetched.take(BATCH_RECORDS);
      const last = records.at(-1);
      if (last === undefined) break;
      yield { topic, partition, records, nextOffset: fetched.isEmpty() ? fetched.nextOffset : last.offset + 1 };
    }
    if (transient) fetched.release?.();
  }
}
