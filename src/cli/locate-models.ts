import type { GlobalOptions } from './command.ts';

/** Puts the folder of a model in place of its name, where `--models-dir` holds one and the package does not. */
export async function locateModels(options: GlobalOptions): Promise<GlobalOptions> {
  const { modelsDir, model } = options as GlobalOptions & { readonly model?: string | readonly string[] };
  if (model === undefined) return options;
  // The catalogue is loaded by no command that names no model.
  const { locateModel } = await import('../models/catalog/models-folder.ts');
  const located =
    typeof model === 'string'
      ? await locateModel(model, modelsDir)
      : await Promise.all(model.map((each) => locateModel(each, modelsDir)));
  return Object.assign({}, options, { model: located });
}
