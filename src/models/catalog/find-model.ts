import { UsageError } from '../../errors.ts';
import { nearestName } from '../../record/nearest-name.ts';
import { serverEntry } from '../hosted/server-entry.ts';
import { catalogEntries } from './entries.ts';
import type { CatalogEntry, HostedWeights, HubWeights } from './entry.ts';
import { listFiles } from './folder-files.ts';
import { chooseGraph } from './graph-files.ts';
import { readModelFolder } from './model-folder.ts';
import { isFolder, parseHubReference, parseModelSpec, type ModelSettings, type ModelSpec } from './model-spec.ts';
import { readTransformerConfig } from './sentence-files.ts';
import { applySettings } from './model-settings.ts';
import { fullDimension, splitDimensions, withDimensions } from './shorter-vectors.ts';

/**
 * What `--model` names: a name or alias of the catalogue (case ignored; with `-256` behind it where the model allows
 * vectors of that length), or a folder (`./…`, `../…`, `/…`, `C:\…`); with settings behind a `?`. Nothing is downloaded:
 * a repository of the hub is first brought here (src/models/hub).
 *
 * @throws UsageError with the names there are, and the nearest.
 */
export async function findModel(model: string): Promise<CatalogEntry> {
  const spec = parseModelSpec(model);
  const { base, settings } = spec;
  if (isFolder(base)) return applySettings(await entryInFolder(spec), settings);
  if (parseHubReference(base) !== undefined)
    throw new UsageError(`The files of ${base} are not here: they are downloaded when the model is first used.`);
  const served = serverEntry(base);
  if (served) return applySettings(served, settings);
  const found = catalogEntry(base);
  if (found) return applySettings(await withAskedGraph(spec, found), settings);
  if (base.includes(',')) throw new UsageError(`--model=${base} names several models, and this command takes one.`);
  const nearest = nearestName(base, catalogEntries.flatMap(namesOf));
  throw new UsageError(
    `There is no model ${JSON.stringify(base)}.${nearest === undefined ? '' : ` Did you mean ${nearest}?`} ` +
      `Models: ${catalogEntries.map((entry) => entry.name).join(', ')}; ` +
      `or a folder that holds one (--model=./folder), or a repository of the Hugging Face hub ` +
      `(--model=hf:${/^[\w.-]+\/[\w.-]+$/.test(base) ? base : 'owner/name'}), or a model of a server of yours ` +
      '(--model=ollama:NAME, tei:NAME, infinity:NAME or openai-compatible:NAME).',
  );
}

/** Of a folder that goes by a name of the catalogue, only the weights are its own. */
async function entryInFolder({ base, settings }: ModelSpec): Promise<CatalogEntry> {
  const known = settings.as === undefined ? undefined : catalogEntry(settings.as);
  const found = await readModelFolder(base, { name: known?.name ?? settings.as, settings });
  await refuseTooLong(found.weights, settings);
  if (settings.as === undefined) refuseOtherName(base, found.name);
  if (known === undefined) return found;
  if (found.dimension !== fullDimension(known)) {
    throw new UsageError(
      `The folder ${base} holds a model of ${String(found.dimension)} dimensions, and ${known.name} has ` +
        `${String(fullDimension(known))}: it is another one. Give it as --model=./folder, under a name of its own.`,
    );
  }
  return { ...known, weights: found.weights };
}

/** Topics carry the model's name: whoever looks for them by it would be led to the catalogue's model and its topics. */
function refuseOtherName(folder: string, name: string): void {
  const known = catalogEntry(name)?.name ?? name;
  if (known === name) return;
  throw new UsageError(
    `The folder ${folder} goes by the name ${JSON.stringify(name)}, which here is another one of ${known}. Say which it ` +
      `is: --model='${folder}?as=${known}' for that model, or for one of your own --model='${folder}?as=my-${name}'.`,
  );
}

/** Of the package: its files may hold another dtype than the one that is run. */
async function withAskedGraph({ base, settings }: ModelSpec, entry: CatalogEntry): Promise<CatalogEntry> {
  const { dimensions, 'model-dtype': dtype } = settings;
  if (dimensions !== undefined && entryNamed(base) === undefined && dimensions !== entry.dimension)
    throw new UsageError(`--model=${base} and --dimensions=${String(dimensions)} ask for different lengths.`);
  const { weights } = entry;
  if (weights.runtime !== 'onnx') return entry;
  await refuseTooLong(weights, settings);
  if (dtype === undefined || dtype === weights.dtype) return entry;
  const graph = chooseGraph(await listFiles(weights.folder), 'model', dtype, `The model ${entry.name}`);
  return { ...entry, weights: { ...weights, ...graph } };
}

/** Beyond its positions a model fails, or wraps around and says nothing. */
async function refuseTooLong(weights: CatalogEntry['weights'], settings: ModelSettings): Promise<void> {
  const maxTokens = settings['max-tokens'];
  if (maxTokens === undefined || weights.runtime !== 'onnx') return;
  const { positions } = await readTransformerConfig(weights.folder);
  if (positions === undefined || maxTokens <= positions) return;
  throw new UsageError(
    `--max-tokens=${String(maxTokens)} is more than the ${String(positions)} positions that ${weights.folder}/config.json states.`,
  );
}

/** The model of this name or alias, case ignored; `NAME-256` is NAME with vectors of 256 numbers. */
export function catalogEntry(name: string): CatalogEntry | undefined {
  const found = entryNamed(name);
  if (found !== undefined) return found;
  const split = splitDimensions(name);
  const full = split && entryNamed(split.name);
  try {
    return full && withDimensions(full, split.dimensions);
  } catch (error) {
    if (error instanceof UsageError) return undefined; // no name of a model, then
    throw error;
  }
}

function entryNamed(name: string): CatalogEntry | undefined {
  const wanted = name.toLowerCase();
  return catalogEntries.find((entry) => namesOf(entry).some((each) => each.toLowerCase() === wanted));
}

/** What to do about a model that is run by an API, or whose files have not been downloaded. */
export function weightsAreElsewhere(name: string, weights: HubWeights | HostedWeights): UsageError {
  return new UsageError(
    weights.runtime === 'hosted'
      ? `The model ${name} is run by ${weights.provider}, which is not supported here.`
      : `The files of the model ${name} are not here. Download them with "models check ${name}", or from ` +
          `https://huggingface.co/${weights.repository} into a folder ${name} of --models-dir.`,
  );
}

function namesOf(entry: CatalogEntry): readonly string[] {
  return [entry.name, ...entry.aliases];
}
