import { UsageError } from '../../errors.ts';
import type { RunOptions } from '../../log/port.ts';
import type { FileSink, FileSinkNames } from '../../sinks/file-sink.ts';
import { openShardReader } from '../../sinks/open-shard-store.ts';
import { ShardCatalog } from '../../sinks/shard-catalog.ts';
import { shardNames } from '../../sinks/shard-names.ts';
import type { SinkReport } from '../../telemetry/report.ts';
import type { CommandContext } from '../command.ts';
import type { Workspace } from '../wiring.ts';
import { watchTotal } from './watch-total.ts';

export interface RunFileSinkOptions extends Pick<
  RunOptions,
  'until' | 'takeOver' | 'maxBatchRecords' | 'maxBatchBytes'
> {
  /** For the words of its progress. */
  readonly format: string;
  readonly model: string;
  /** Called when all that could refuse it has been asked. */
  readonly prepared: () => void;
}

const FOLLOW_QUIET_MS = 10_000;
const NEVER_QUIET_MS = 2 ** 31 - 1;

/** Runs a sink over the log with its progress shown, and closes it. Rejects with a `UsageError` for a folder of others. */
export async function runFileSink(
  workspace: Workspace,
  { signal, progress }: Pick<CommandContext, 'signal' | 'progress'>,
  sink: FileSink,
  options: RunFileSinkOptions,
): Promise<SinkReport> {
  const { format, model, prepared, until, takeOver = false, maxBatchRecords, maxBatchBytes } = options;
  const startMs = performance.now();
  const stage = progress.stage(`sink ${format}`, { unit: 'embeddings' });
  const stopCounting = workspace.instruments.sink(sink.sinkName, () => sink.stats());
  let stopWatching: (() => void) | undefined;
  try {
    await refuseFolder(workspace, sink);
    stopWatching = watchTotal(workspace, sink.group, sink.inputs[0] ?? '', () => sink.stats().rows, stage);
    prepared();
    await workspace.log.run(sink, {
      takeOver,
      // A pause only ends a shard where nobody knows when the next embedding comes.
      quietMs: until === undefined ? FOLLOW_QUIET_MS : NEVER_QUIET_MS,
      signal,
      ...(maxBatchRecords !== undefined && { maxBatchRecords }),
      ...(maxBatchBytes !== undefined && { maxBatchBytes }),
      ...(until !== undefined && { until }),
    });
  } finally {
    stopWatching?.();
    stopCounting();
    await sink.close();
  }
  const { folder, rows, deletions, shards, bytes, deadLettered, deadLettersByReason } = sink.stats();
  stage.setDone(rows);
  // As in process-stage.ts.
  if (until !== undefined && !signal.aborted) stage.setTotal(rows);
  stage.finish();
  const elapsedMs = performance.now() - startMs;
  const counts = { embeddings: rows, deletions, shards, bytes, deadLettered, deadLettersByReason };
  return { sink: sink.sinkName, model, out: folder, ...counts, elapsedMs };
}

/** A sink that has written to one folder would leave holes in another, and two sinks in one folder would double rows. */
export async function refuseFolder(
  { log, codec, topics }: Workspace,
  { sinkName, folder }: Pick<FileSinkNames, 'sinkName' | 'folder'>,
): Promise<void> {
  // The folder first: what appears there later is not a stranger's, but was committed a moment before.
  const reader = openShardReader(folder, process.env);
  const present = shardNames((await reader.list().finally(() => reader.close())) ?? []);
  const catalog = new ShardCatalog(log, codec, topics.shards(sinkName));
  if ((await log.topics()).some(({ name }) => name === topics.shards(sinkName))) await catalog.refresh();
  if (catalog.target !== undefined)
    throw new UsageError(
      `The sink "${sinkName}" is no set of files: it writes to ${catalog.target.location}. ` +
        'Give this one another name: --sink-name=NAME.',
    );
  const elsewhere = catalog.shards().find(({ location }) => location !== folder);
  if (elsewhere !== undefined)
    throw new UsageError(
      `The sink "${sinkName}" writes to ${elsewhere.location}, not to ${folder}. ` +
        'Give the folder it has, or write everything there too under another name with --sink-name=NAME.',
    );
  const own = new Set(catalog.shards().flatMap(({ name, files }) => [name, ...files.map((file) => file.name)]));
  const strangers = present.filter((name) => !own.has(name));
  if (strangers.length > 0)
    throw new UsageError(
      `${folder} holds ${strangers.length} shards that are not of the sink "${sinkName}" on this log, the first is ` +
        `${strangers[0] ?? ''}: readers would take them for its own. Move them away, or choose another folder with --out.`,
    );
}
