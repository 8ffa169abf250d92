import { findModel, weightsAreElsewhere } from './catalog/find-model.ts';
import { createHashedEmbedder } from './hashed/hashed-embedder.ts';
import { createImageEmbedder } from './local/image/image-embedder.ts';
import { createLocalEmbedder, type LocalEmbedderOptions } from './local/local-embedder.ts';
import { describeEntry } from './describe-model.ts';
import { locateModel } from './locate-model.ts';
import type { HubSettings } from './hub/settings.ts';
import type { HostedOptions } from './hosted/hosted-options.ts';
import type { Embedder } from './port.ts';

export interface CreateEmbedderOptions extends LocalEmbedderOptions {
  /** A name or alias of the catalogue, a folder (`./path/to/model`) or a repository of the hub (`hf:owner/name`). */
  readonly model: string;
  /** Where models that are not part of the package are looked for by name, a folder each. */
  readonly modelsDir?: string;
  /** Where models of the Hugging Face hub are downloaded from and kept. Left out: only what is here is run. */
  readonly hub?: HubSettings;
  /** Where keys, addresses and proxies come from: `process.env` in a program. Left out: there are none. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** For models behind an API: their limits, and what they may cost. */
  readonly hosted?: HostedOptions;
}

/**
 * Loads a model and checks that it works; `close()` what it resolves to.
 *
 * @throws UsageError for an unknown model, one whose weights are not here, or a folder that holds none.
 * @throws PipelineError MODEL_LOAD_FAILED, MODEL_CANARY_FAILED, and of models behind an API HOSTED_….
 */
export async function createEmbedder(options: CreateEmbedderOptions): Promise<Embedder> {
  const { model, modelsDir, hub } = options;
  const entry = await findModel(await locateModel(model, { modelsDir, hub, downloads: true }));
  const { weights } = entry;
  switch (weights.runtime) {
    case 'hashed':
      return createHashedEmbedder(await describeEntry(entry));
    case 'onnx':
      return createLocalEmbedder({ ...entry, weights }, options);
    case 'onnx-vision':
      return createImageEmbedder({ ...entry, weights }, options);
    case 'hosted': {
      // An HTTP client, which local models have no use for.
      const { loadHosted } = await import('./hosted/load-hosted.ts');
      return loadHosted({ ...entry, weights }, { environment: {}, ...options.hosted, ...options });
    }
    case 'hub':
      throw weightsAreElsewhere(entry.name, weights);
  }
}
