import { join, resolve } from 'node:path';
import { hasFile } from './folder-files.ts';
import { catalogEntry } from './find-model.ts';
import { formatModelSpec, isFolder, parseModelSpec } from './model-spec.ts';

/**
 * The folder of a model that is named and not part of the package, where `modelsDir` holds one of that name; otherwise
 * the name as it was given. An alias is looked for under the name it stands for.
 */
export async function locateModel(model: string, modelsDir: string): Promise<string> {
  const { base, settings } = parseModelSpec(model);
  if (isFolder(base)) return model;
  const entry = catalogEntry(base);
  if (entry !== undefined && entry.weights.runtime !== 'hub') return model;
  const name = entry?.name ?? base;
  if (!/^[A-Za-z0-9._-]+$/.test(name)) return model;
  const folder = resolve(join(modelsDir, name));
  return (await hasFile(folder, 'config.json')) ? formatModelSpec({ base: folder, settings: { as: name, ...settings } }) : model;
}
