import { fatalError, type PipelineError } from '../../errors.ts';
import type { Log, LogRecord, OutputRecord, PartitionTask, TopicInfo } from '../../log/port.ts';
import { readPartitionOf } from '../topic-reading.ts';
import type { Versions } from './versions.ts';

const BATCH_RECORDS = 4_096;

export interface CopyOptions {
  /** Where the copy is written and its progress kept. */
  readonly log: Log;
  /** Keeps the progress: what is killed goes on where it stopped. */
  readonly group: string;
  /** With the ends up to which its versions are known. */
  readonly topic: TopicInfo;
  /** undefined: the record is not copied. */
  readonly copy: (record: LogRecord, partition: number) => OutputRecord | undefined;
  readonly signal: AbortSignal;
  readonly onRead: (records: number) => void;
}

/** Copies what `copy` answers with, each record once, in transactions. Resolves with how many there were this time. */
export async function copyTopic({ log, group, topic, copy, signal, onRead }: CopyOptions): Promise<number> {
  let copied = 0;
  const open = (partition: number): PartitionTask => {
    const endOffset = topic.partitionInfo[partition]?.endOffset ?? 0;
    return {
      process: (records) => {
        const last = records.at(-1);
        if (last === undefined) return Promise.resolve({ outputs: [] });
        if (last.offset >= endOffset) return Promise.reject(namespaceInUse(topic.name));
        const outputs = records.map((record) => copy(record, partition)).filter((output) => output !== undefined);
        copied += outputs.length;
        onRead(records.length);
        return Promise.resolve({ outputs, offset: last.offset + 1 });
      },
      idle: () => Promise.resolve({ outputs: [] }),
      close: () => Promise.resolve(),
    };
  };
  await log.run(
    { group, inputs: [topic.name], open: ({ partition }) => Promise.resolve(open(partition)) },
    { until: 'end', maxBatchRecords: BATCH_RECORDS, signal },
  );
  // A stop must not look like the end of the topic.
  signal.throwIfAborted();
  return copied;
}

/** Notes all versions of the keys that are asked for, up to the topic's end as it was. */
export async function noteVersions(
  log: Log,
  topic: TopicInfo,
  versions: Versions,
  { isAsked, signal, onRead }: Pick<CopyOptions, 'signal' | 'onRead'> & { isAsked: (key: Uint8Array) => boolean },
): Promise<void> {
  for (const info of topic.partitionInfo) {
    const { partition } = info;
    for await (const records of readPartitionOf(log, topic.name, info, signal)) {
      for (const { key, value, offset, timestampMs } of records)
        if (key !== null && isAsked(key))
          versions.note(key, { partition, offset, isLive: value !== null }, timestampMs);
      onRead(records.length);
    }
  }
}

/** What is written to a namespace while it is copied would be lost to the copy. */
export function namespaceInUse(topic: string): PipelineError {
  return fatalError(
    'NAMESPACE_IN_USE',
    `Topic "${topic}" got records while it was copied. Stop everything that writes to this namespace, then run the same ` +
      'command again: it goes on where it stopped, and takes what came since.',
  );
}
