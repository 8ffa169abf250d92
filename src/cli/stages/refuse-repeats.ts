import { UsageError } from '../../errors.ts';
import { findModel } from '../../models/catalog/find-model.ts';

/**
 * Two groups of one name would get into each other's way. Topics are named after models, so two folders of one name
 * are one model.
 */
export async function refuseRepeats(models: readonly string[], formats: readonly string[] = []): Promise<void> {
  const names = await Promise.all(models.map(nameOf));
  const model = repeated(names);
  if (model !== undefined) throw new UsageError(`--model names the same model twice: ${model}.`);
  const format = repeated(formats);
  if (format !== undefined) throw new UsageError(`The format ${format} is asked for twice.`);
}

/** What is no model here may be one on the log, and is told later where it is not. */
async function nameOf(model: string): Promise<string> {
  try {
    return (await findModel(model)).name;
  } catch (error) {
    if (error instanceof UsageError) return model;
    throw error;
  }
}

function repeated(names: readonly string[]): string | undefined {
  return names.find((name, index) => names.indexOf(name) < index);
}
