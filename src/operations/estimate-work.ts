import type { Codec } from '../codec/port.ts';
import type { Log } from '../log/port.ts';
import type { TopicNames } from '../log/topics.ts';
import type { Embedder } from '../models/port.ts';
import { EmbeddingTask } from '../processors/embedding-task.ts';

export interface EstimateContext {
  readonly log: Log;
  readonly codec: Codec;
  readonly topics: TopicNames;
  readonly namespace: string;
  readonly clock: () => number;
  readonly signal: AbortSignal;
}

/** Nothing is written that needs an owner. */
const assertOwner = (): Promise<void> => Promise.resolve();

/**
 * Gives a model all that its processor would give it now, and writes nothing: what is on the log, was not embedded yet
 * and is no copy of something else.
 */
export async function estimateOnLog(context: EstimateContext, embedder: Embedder): Promise<void> {
  const { log, topics, signal } = context;
  const task = new EmbeddingTask({ ...context, embedder });
  const records = (await log.topics()).find(({ name }) => name === topics.records);
  const committed = (await log.groups()).find(({ group }) => group === task.group)?.committed ?? [];
  for (const { partition, startOffset, endOffset } of records?.partitionInfo ?? []) {
    const own = committed.find((each) => each.topic === topics.records && each.partition === partition);
    const offset = own?.offset ?? startOffset;
    const opened = await task.open({ topic: topics.records, partition, offset, signal, assertOwner });
    const from = opened.startOffset ?? offset;
    // What it would write is left aside, and nothing is committed.
    for await (const batch of log.read(topics.records, partition, from, endOffset, { signal }))
      await opened.process(batch.records);
    await opened.idle('end');
    await opened.close('done');
  }
}
