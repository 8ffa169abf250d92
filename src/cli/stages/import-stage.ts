import { basename, resolve } from 'node:path';
import { fatalError, UsageError } from '../../errors.ts';
import { topicSegment } from '../../log/topics.ts';
import { findModel } from '../../models/catalog/find-model.ts';
import type { CatalogEntry } from '../../models/catalog/entry.ts';
import { describeEntry } from '../../models/describe-model.ts';
import { modelOnLog } from '../../operations/model-on-log.ts';
import { processorGroup } from '../../processors/embedding-task.ts';
import { importEmbeddings } from '../../producers/embeddings/importer.ts';
import type { ImportReport } from '../../producers/embeddings/import-report.ts';
import { ImportSet } from '../../producers/embeddings/import-set.ts';
import type { CommandContext } from '../command.ts';
import type { importFlags, importPositionals } from '../definitions/import.ts';
import { plainName } from '../definitions/schemas.ts';
import { partitionCount, type Workspace } from '../wiring.ts';

export type ImportContext = Pick<
  CommandContext<typeof importFlags, typeof importPositionals>,
  'options' | 'args' | 'signal' | 'log' | 'progress'
>;

/** Endings of files that say nothing about what is in them. */
const ENDINGS = /(?:\.(?:tar|tgz|gz|zst|zstd|jsonl|ndjson|json|npy|parquet))+$/i;

export async function importStage(workspace: Workspace, context: ImportContext): Promise<ImportReport> {
  const { options, args, signal, progress, log } = context;
  const { instruments } = workspace;
  if (options.prune && options.limit !== undefined)
    throw new UsageError('--prune has to see all files: leave out --limit.');
  const model = await modelOf(workspace, context);
  const name = topicSegment(options.name ?? nameOf(model.name, args.files));
  await refuseProcessor(workspace, model.name);
  const partitions = await partitionCount(workspace, options.partitions);
  const set = new ImportSet(args.files.map((path) => resolve(path)));
  try {
    const stage = progress.stage(`import ${name}`, { unit: 'bytes', total: await set.totalBytes() });
    const count = instruments.import(name);
    instruments.begun();
    const report = await importEmbeddings({
      ...workspace,
      ...{ set, name, partitions, signal },
      model: { name: model.name, aliases: [...model.aliases, ...(options.knownAs ?? [])] },
      reading: { id: options.id?.split(','), text: options.text },
      prune: options.prune,
      ...(model.dimension !== undefined && { dimension: model.dimension }),
      ...(model.trust && { trust: model.trust }),
      ...(options.limit !== undefined && { limit: options.limit }),
      confirmPrune: (vanished, total) => {
        if (!options.yes)
          log.warn(
            `${vanished} of ${total} rows are no longer in the files: more than a tenth. Delete them with --yes.`,
          );
        return Promise.resolve(options.yes);
      },
      onProgress: (soFar) => {
        stage.setDone(soFar.bytesRead);
        count(soFar);
      },
      onDeadLetter: instruments.onDeadLetter,
    });
    stage.finish();
    const member = await processorOf(workspace, model.name);
    if (member !== undefined)
      log.warn(`"process" of ${model.name} was started meanwhile (${member}): start it again, then run "reconcile".`);
    return report;
  } finally {
    await set.dispose();
  }
}

interface ImportedModel {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly dimension?: number;
  readonly trust?: Pick<Awaited<ReturnType<typeof describeEntry>>, 'fingerprint' | 'kinds'>;
}

/** A model of the catalogue or a folder, or any name. */
async function modelOf(workspace: Workspace, { options }: ImportContext): Promise<ImportedModel> {
  const entry = await entryOf(options.model);
  const known = entry ?? (await modelOnLog(workspace, options.model));
  const dimension = known?.dimension ?? options.dimension;
  if (options.dimension !== undefined && options.dimension !== dimension)
    throw new UsageError(
      `--dimension is ${options.dimension}, but ${known?.name ?? ''} has ${dimension}: give the other model another name.`,
    );
  if (options.trustModel && entry === undefined)
    throw new UsageError(`--trust-model needs a model that can run here; ${options.model} is only a name.`);
  return {
    name: entry?.name ?? plainModel(options.model),
    aliases: entry?.aliases ?? [],
    ...(dimension !== undefined && { dimension }),
    ...(options.trustModel && entry !== undefined && { trust: await describeEntry(entry) }),
  };
}

async function entryOf(model: string): Promise<CatalogEntry | undefined> {
  try {
    return await findModel(model);
  } catch (error) {
    // A folder that is no model is a mistake; any other name may be a model that is not known here.
    if (!(error instanceof UsageError) || /^[./\\~]/.test(model)) throw error;
    return undefined;
  }
}

function plainModel(model: string): string {
  const checked = plainName.safeParse(model);
  if (checked.success) return model;
  const short = model.slice(model.lastIndexOf('/') + 1);
  throw new UsageError(
    `Topics are named after models: ${JSON.stringify(model)} must be letters, digits, dots, dashes and underscores` +
      `${plainName.safeParse(short).success ? `, for example --model=${short}. What files call "${model}" is then taken for it` : ''}.`,
  );
}

function nameOf(model: string, paths: readonly string[]): string {
  const [path = ''] = paths;
  if (paths.length > 1) throw new UsageError('Several files are one import: say under which --name its state is kept.');
  const file = basename(resolve(path));
  return `${model}-${file.replace(ENDINGS, '') || file}`;
}

/** A processor would not see what is imported beneath it, and both would write to one topic. */
async function refuseProcessor(workspace: Workspace, model: string): Promise<void> {
  const member = await processorOf(workspace, model);
  if (member === undefined) return;
  throw fatalError(
    'IMPORT_PROCESSOR_RUNS',
    `"process" of ${model} is running (${member}): it and an import must not write at the same time. Stop it, import, ` +
      'and start it again.',
  );
}

/** Who runs it. */
async function processorOf({ log, namespace }: Workspace, model: string): Promise<string | undefined> {
  const group = processorGroup(namespace, model);
  return (await log.groups()).find((each) => each.group === group)?.members[0]?.name;
}
