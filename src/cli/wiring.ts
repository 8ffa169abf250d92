import { resolve } from 'node:path';
import { createCodec } from '../codec/create-codec.ts';
import type { Codec } from '../codec/port.ts';
import { UsageError } from '../errors.ts';
import { createEmbeddedLog } from '../log/embedded/embedded-log.ts';
import type { Log } from '../log/port.ts';
import { topicNames, type TopicNames } from '../log/topics.ts';
import { Instruments } from '../operations/observed/instruments.ts';
import { silentLogger } from '../telemetry/log.ts';
import type { GlobalOptions } from './command.ts';

/** What every command works on: the log and what is needed to read and write it. */
export interface Workspace {
  readonly log: Log;
  readonly codec: Codec;
  readonly topics: TopicNames;
  readonly namespace: string;
  /** Milliseconds since the epoch; stands still when SOURCE_DATE_EPOCH is set, for outputs that are reproducible. */
  readonly clock: () => number;
  /** What watches the work; `log` is watched already. */
  readonly instruments: Instruments;
  close(): Promise<void>;
}

export interface WorkspaceOptions extends Pick<GlobalOptions, 'dataDir' | 'namespace'> {
  /** Left out: nobody watches. */
  readonly instruments?: Instruments;
}

/** For `withWorkspace`, by commands that may run for long. */
export function watched<Options>({
  options,
  instruments,
}: {
  readonly options: Options;
  readonly instruments: Instruments;
}): Options & { readonly instruments: Instruments } {
  return { ...options, instruments };
}

export async function openWorkspace(options: WorkspaceOptions): Promise<Workspace> {
  const clock = clockOf(process.env['SOURCE_DATE_EPOCH']);
  const { instruments = new Instruments({ logger: silentLogger }) } = options;
  const observer = instruments.logObserver;
  const log = await createEmbeddedLog({ dataDir: resolve(options.dataDir), clock, observer });
  const { namespace } = options;
  return {
    log: instruments.observeLog(log),
    instruments,
    codec: createCodec(),
    topics: topicNames(namespace),
    namespace,
    clock,
    close: () => log.close(),
  };
}

/** Opens, runs and closes, whatever happens. */
export async function withWorkspace<Result>(
  options: WorkspaceOptions,
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
