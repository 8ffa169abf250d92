import { join, resolve } from 'node:path';
import type { CatalogEntry } from './catalog/entry.ts';
import { catalogEntry, findModel } from './catalog/find-model.ts';
import { hasFile } from './catalog/folder-files.ts';
import { applySettings } from './catalog/model-settings.ts';
import { withDimensions } from './catalog/shorter-vectors.ts';
import {
  formatModelSpec,
  isFolder,
  nameOfRepository,
  parseHubReference,
  parseModelSpec,
  type HubReference,
  type ModelSettings,
} from './catalog/model-spec.ts';
import type { DownloadReporter } from './hub/obtain-model.ts';
import type { HubSettings } from './hub/settings.ts';

export interface LocateOptions {
  /** Where models are looked for by name, a folder each. */
  readonly modelsDir?: string | undefined;
  /** Left out: nothing of the hub is looked for. */
  readonly hub?: HubSettings | undefined;
  /** Whether what is missing is downloaded: a command that runs no model does without. */
  readonly downloads: boolean;
  readonly reporter?: DownloadReporter;
  readonly signal?: AbortSignal;
}

/**
 * Puts the folder of a model's files in place of its name, so that everything behind this knows but folders and what
 * the catalogue describes: a folder of `modelsDir`, or a snapshot in the hub's cache. What has no files here stays a
 * name; of a repository (`hf:owner/name`) it is the one that its topics carry.
 *
 * @throws UsageError, and the PipelineErrors of {@link obtainModel}.
 */
export async function locateModel(model: string, options: LocateOptions): Promise<string> {
  const { base, settings } = parseModelSpec(model);
  if (isFolder(base)) return model;
  const repository = parseHubReference(base);
  if (repository !== undefined) {
    const name = settings.as ?? nameOfRepository(repository.repository);
    return (await locateOnHub(repository, { ...settings, as: name }, options)) ?? nameOf(name, settings);
  }
  const entry = catalogEntry(base);
  if (entry !== undefined && entry.weights.runtime !== 'hub') return model;
  const name = entry?.name ?? base;
  const folder = await inModelsFolder(name, options.modelsDir);
  if (folder !== undefined) return formatModelSpec({ base: folder, settings: { as: name, ...settings } });
  if (entry?.weights.runtime !== 'hub') return model;
  // A length that it can't have is found before anything is downloaded.
  if (settings.dimensions !== undefined) withDimensions(entry, settings.dimensions);
  return (await locateOnHub(entry.weights, { ...settings, as: settings.as ?? name }, options)) ?? model;
}

/**
 * All that is known of a model, though its weights are not here: of a repository the small files are downloaded.
 *
 * @throws as {@link locateModel}.
 */
export async function explainModel(model: string, options: LocateOptions): Promise<CatalogEntry> {
  const located = await locateModel(model, { ...options, downloads: false });
  const { base, settings } = parseModelSpec(model);
  const repository = parseHubReference(base);
  if (repository === undefined || isFolder(parseModelSpec(located).base) || options.hub === undefined)
    return findModel(located);
  const { obtainModel } = await import('./hub/obtain-model.ts');
  const name = settings.as ?? nameOfRepository(repository.repository);
  const obtained = await obtainModel(repository, { ...options, hub: options.hub, name, settings, download: 'facts' });
  if (obtained === undefined) return findModel(located);
  const { entry, commit } = obtained;
  const weights = { runtime: 'hub', repository: repository.repository, revision: commit } as const;
  return { ...applySettings(entry, settings), weights };
}

/** `settings` with the name that it goes by. */
async function locateOnHub(
  { repository, revision }: HubReference,
  settings: ModelSettings & { readonly as: string },
  { hub, downloads, ...options }: LocateOptions,
): Promise<string | undefined> {
  if (hub === undefined) return undefined;
  // An HTTP client, which a model in a folder has no use for.
  const { obtainModel } = await import('./hub/obtain-model.ts');
  const obtained = await obtainModel(
    { repository, revision },
    { ...options, hub, name: settings.as, settings, download: downloads ? 'weights' : 'nothing' },
  );
  return obtained?.isComplete === true ? formatModelSpec({ base: obtained.folder, settings }) : undefined;
}

async function inModelsFolder(name: string, modelsDir: string | undefined): Promise<string | undefined> {
  if (modelsDir === undefined || !/^[A-Za-z0-9._-]+$/.test(name)) return undefined;
  const folder = resolve(join(modelsDir, name));
  return (await hasFile(folder, 'config.json')) ? folder : undefined;
}

function nameOf(name: string, { dimensions }: ModelSettings): string {
  return dimensions === undefined ? name : `${name}-${String(dimensions)}`;
}
