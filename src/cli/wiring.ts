import { resolve } from 'node:path';
import { createCodec } from '../codec/create-codec.ts';
import type { Codec } from '../codec/port.ts';
import { UsageError } from '../errors.ts';
import { createEmbeddedLog } from '../log/embedded/embedded-log.ts';
import type { Log } from '../log/port.ts';
import { topicNames, type TopicNames } from '../log/topics.ts';
import type { GlobalOptions } from './command.ts';

/** What every command works on: the log and what is needed to read and write it. */
export interface Workspace {
  readonly log: Log;
  readonly codec: Codec;
  readonly topics: TopicNames;
  readonly namespace: string;
  /** Milliseconds since the epoch; stands still when SOURCE_DATE_EPOCH is set, for outputs that are reproducible. */
  readonly clock: () => number;
  close(): Promise<void>;
}

export async function openWorkspace(options: Pick<GlobalOptions, 'dataDir' | 'namespace'>): Promise<Workspace> {
  const clock = clockOf(process.env['SOURCE_DATE_EPOCH']);
  const log = await createEmbeddedLog({ dataDir: resolve(options.dataDir), clock });
  const { namespace } = options;
  return {
    log,
    codec: createCodec(),
    topics: topicNames(namespace),
    namespace,
    clock,
    close: () => log.close(),
  };
}

/** Opens, runs and closes, whatever happens. */
export async function withWorkspace<Result>(
  options: Pick<GlobalOptions, 'dataDir' | 'namespace'>,
  body: (workspace: Workspace) => Promise<Result>,
): Promise<Result> {
  const workspace = await openWorkspace(options);
  try {
    return await body(workspace);
  } finally {
    await workspace.close();
  }
}

/** Partitions of a pipeline's topics, which all have the same number; `wanted` when there is none of them yet. */
export async function partitionCount({ log, topics, namespace }: Workspace, wanted = 1): Promise<number> {
  const all = await log.topics();
  // A sink may come before the source.
  const topic =
    all.find(({ name }) => name === topics.records) ??
    all.find(({ name }) => name.startsWith(`${namespace}.embeddings.`));
  return topic?.partitions ?? wanted;
}

function clockOf(sourceDateEpoch: string | undefined): () => number {
  if (sourceDateEpoch === undefined || sourceDateEpoch === '') return Date.now;
  const seconds = Number(sourceDateEpoch);
  if (!Number.isSafeInteger(seconds) || seconds < 0)
    throw new UsageError(`SOURCE_DATE_EPOCH is "${sourceDateEpoch}": it must be whole seconds since 1970.`);
  return () => seconds * 1000;
}
