import { createCodec } from '../../../src/codec/create-codec.ts';
import type { Log, OutputRecord } from '../../../src/log/port.ts';
import type { DeadLetterContext } from '../../../src/operations/dead-letters/context.ts';
import { fakeEmbedder, processAll, publishRows, topics, type Row } from '../../pipeline-fixtures.ts';

export function contextOf(log: Log): DeadLetterContext {
  return { log, codec: createCodec(), topics, namespace: 'test' };
}

/** Rows that a `fakeEmbedder` can't embed. */
export function poison(count: number, from = 0): Row[] {
  return Array.from({ length: count }, (_, i) => ({ id: `p${from + i}`, text: `poison ${from + i}` }));
}

/** Publishes and processes; the model is the same one each time unless named. */
export async function embed(log: Log, rows: readonly Row[], name = 'fake', partitions = 1): Promise<void> {
  await publishRows(log, rows, { partitions });
  await processAll(log, fakeEmbedder({ name }), {}, partitions);
}

export async function append(log: Log, records: readonly OutputRecord[]): Promise<void> {
  const producer = await log.producer('by-hand');
  await producer.append(records);
  await producer.close();
}
