import { UsageError } from '../../errors.ts';
import { catalogEntries } from './entries.ts';
import type { CatalogEntry, HostedWeights, HubWeights } from './entry.ts';
import { readModelFolder } from './model-folder.ts';
import { nearestName } from '../../record/nearest-name.ts';

/**
 * What `--model` names: a name or alias of the catalogue (case ignored), or a folder (`./…`, `../…`, `/…`, `C:\…`).
 *
 * @throws UsageError with the names there are, and the nearest.
 */
export async function findModel(model: string): Promise<CatalogEntry> {
  if (isFolder(model)) return readModelFolder(model);
  const found = catalogEntry(model);
  if (found) return found;
  const nearest = nearestName(model, catalogEntries.flatMap(namesOf));
  throw new UsageError(
    `There is no model ${JSON.stringify(model)}.${nearest === undefined ? '' : ` Did you mean ${nearest}?`} ` +
      `Models: ${catalogEntries.map((entry) => entry.name).join(', ')}; or a folder that holds one (--model=./folder).`,
  );
}

/** The model of this name or alias, case ignored. */
export function catalogEntry(name: string): CatalogEntry | undefined {
  const wanted = name.toLowerCase();
  return catalogEntries.find((entry) => namesOf(entry).some((each) => each.toLowerCase() === wanted));
}

/** What to do about a model that is run by an API, or whose files have not been downloaded. */
export function weightsAreElsewhere(name: string, weights: HubWeights | HostedWeights): UsageError {
  return new UsageError(
    weights.runtime === 'hosted'
      ? `The model ${name} is run by ${weights.provider}, which is not supported here.`
      : `The files of the model ${name} are not here. Download the repository ${weights.repository} of the Hugging Face ` +
          `hub into a folder ${name}, and give it as --model=./${name}, or the folder that it is in as --models-dir.`,
  );
}

function namesOf(entry: CatalogEntry): readonly string[] {
  return [entry.name, ...entry.aliases];
}

/** Whether `--model` names a folder, and not a model of the catalogue. */
export function isFolder(model: string): boolean {
  return /^(?:\.{1,2}$|\.{0,2}[\\/]|[a-z]:[\\/])/i.test(model);
}
