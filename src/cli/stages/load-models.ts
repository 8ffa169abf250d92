import { createEmbedder, type CreateEmbedderOptions } from '../../models/create-embedder.ts';
import type { Embedder } from '../../models/port.ts';
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
  { instruments }: Pick<Workspace, 'instruments'>,
  context: Pick<ModelContext, 'options' | 'log' | 'signal'>,
  models: readonly string[],
): Promise<Embedder[]> {
  const execution = executionOptions(context, models.length);
  const loading = models.map((model) => instruments.loadModel(() => createEmbedder({ model, ...execution })));
  const loaded = await Promise.allSettled(loading);
  const failed = loaded.find((outcome) => outcome.status === 'rejected');
  const embedders = loaded.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  if (failed === undefined) return embedders;
  await Promise.all(embedders.map((embedder) => embedder.close()));
  throw failed.reason;
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
