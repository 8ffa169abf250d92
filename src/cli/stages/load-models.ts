import { fatalError } from '../../errors.ts';
import { createEmbedder, type CreateEmbedderOptions } from '../../models/create-embedder.ts';
import type { Embedder, ModelInfo } from '../../models/port.ts';
import { modelOnLog } from '../../operations/model-on-log.ts';
import type { CommandContext } from '../command.ts';
import type { modelRunFlags } from '../definitions/process.ts';
import { hostedOptions, modelEnvironment } from '../hosted-options.ts';
import type { Workspace } from '../wiring.ts';

export type ModelContext = Pick<CommandContext<typeof modelRunFlags>, 'options' | 'signal' | 'log' | 'progress'>;

/**
 * Loads all models of a run, or none: one that can't be loaded is a mistake to be found before anything is embedded.
 * Rejects with the first failure once what was loaded is closed again.
 */
export async function loadModels(
  workspace: Pick<Workspace, 'instruments' | 'log' | 'codec' | 'topics'>,
  context: Pick<ModelContext, 'options' | 'log' | 'signal'>,
  models: readonly string[],
): Promise<Embedder[]> {
  const execution = executionOptions(context, models.length);
  const loading = models.map((model) => workspace.instruments.loadModel(() => createEmbedder({ model, ...execution })));
  const loaded = await Promise.allSettled(loading);
  const embedders = loaded.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  try {
    const failed = loaded.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    for (const { info } of embedders) await refuseOtherDimension(workspace, info);
    return embedders;
  } catch (error) {
    await Promise.all(embedders.map((embedder) => embedder.close()));
    throw error;
  }
}

/** Vectors of two lengths in one topic would break every output of it: another model has come under the same name. */
async function refuseOtherDimension(
  workspace: Pick<Workspace, 'log' | 'codec' | 'topics'>,
  { name, dimension }: ModelInfo,
): Promise<void> {
  const known = await modelOnLog(workspace, name);
  if (known === undefined || known.dimension === dimension) return;
  throw fatalError(
    'MODEL_DIMENSION_CHANGED',
    `The model ${name} gives vectors of ${String(dimension)} dimensions, and those on the log under this name have ` +
      `${String(known.dimension)}: it is another model. Give it a name of its own (a folder of another name, or ` +
      `--model='./folder?as=NAME'), or start anew under another --namespace.`,
  );
}

function executionOptions(
  { options, log, signal }: Pick<ModelContext, 'options' | 'log' | 'signal'>,
  models: number,
): Omit<CreateEmbedderOptions, 'model'> {
  const { workers, threads, batchTokens, device } = options;
  return {
    models,
    device,
    onDevice: ({ reason }) => {
      if (reason !== undefined) log.info(`${reason}.`);
    },
    environment: modelEnvironment(options),
    hosted: {
      ...hostedOptions(options),
      stop: signal,
      onRetry: (what) => {
        log.debug(`a request is made again: ${what}`);
      },
    },
    ...(workers !== undefined && { workers }),
    ...(threads !== undefined && { threads }),
    ...(batchTokens !== undefined && { batchTokens }),
  };
}
