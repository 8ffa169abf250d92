import type { Log, LogRecord, PartitionInfo, TopicInfo } from '../log/port.ts';

export async function findTopic(log: Log, name: string): Promise<TopicInfo | undefined> {
  return (await log.topics()).find((topic) => topic.name === name);
}

/** Every record of a topic up to its end as it is now, partition after partition; nothing when there is no such topic. */
export async function* readTopic(log: Log, name: string, signal?: AbortSignal): AsyncGenerator<readonly LogRecord[]> {
  const topic = await findTopic(log, name);
  for (const partition of topic?.partitionInfo ?? []) yield* readPartitionOf(log, name, partition, signal);
}

/** Records are valid only until the next batch is asked for. */
export async function* readPartitionOf(
  log: Log,
  topic: string,
  { partition, startOffset, endOffset }: PartitionInfo,
  signal?: AbortSignal,
): AsyncGenerator<readonly LogRecord[]> {
  const options = { transient: true, ...(signal && { signal }) };
  for await (const { records } of log.read(topic, partition, startOffset, endOffset, options)) yield records;
  // A stop must not look like the end of the topic.
  signal?.throwIfAborted();
}

/** Names of the models that have a ledger in a namespace. */
export function modelsOnLog(topics: readonly TopicInfo[], namespace: string): string[] {
  const prefix = `${namespace}.ledger.`;
  return topics
    .map(({ name }) => name)
    .filter((name) => name.startsWith(prefix) && !name.startsWith(`${prefix}source.`))
    .map((name) => name.slice(prefix.length));
}

/** Names of the sinks that have a shards topic in a namespace. */
export function sinksOnLog(topics: readonly TopicInfo[], namespace: string): string[] {
  const prefix = `${namespace}.shards.`;
  return topics.filter(({ name }) => name.startsWith(prefix)).map(({ name }) => name.slice(prefix.length));
}
