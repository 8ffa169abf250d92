import type { Embedder, ModelInfo } from '../port.ts';
import { askServer } from './ask-server.ts';
import type { Environment } from './environment.ts';
import { createHostedEmbedder, type HostedModel } from './hosted-embedder.ts';
import { describeHosted } from './hosted-info.ts';
import type { CreateHostedOptions } from './hosted-options.ts';

/** A model of the catalogue behind an API, or of a server that is asked for what the catalogue doesn't know. */
export async function loadHosted(model: HostedModel, options: CreateHostedOptions): Promise<Embedder> {
  const told = await askServer(model, options.environment);
  return createHostedEmbedder(told, describeHosted(told), options);
}

/** What is known of it without a key; a server of one's own is asked. */
export async function describeHostedModel(model: HostedModel, environment: Environment): Promise<ModelInfo> {
  return describeHosted(await askServer(model, environment));
}
