import { numberIn, objectIn } from './answers.ts';
import type { Elastic } from './elastic.ts';
import type { Indices } from './indices.ts';
import type { ElasticOptions } from './options.ts';
import { removeTombstones } from './tombstones.ts';
import { type IndexVersion, missingModels, oldVersions, servingOf } from './versions.ts';

export interface CompletionOptions {
  readonly elastic: Elastic;
  readonly indices: Indices;
  readonly alias: string;
  /** Of the model's name. */
  readonly field: string;
  /** That was written to. */
  readonly index: string;
  readonly options: ElasticOptions;
  readonly onWarning: (message: string) => void;
}

/** All of the model is in: what was filled for it takes the alias, once the index's other models are in, too. */
export async function completeIndex(completion: CompletionOptions): Promise<void> {
  const { elastic, indices, index: name, field, options } = completion;
  await indices.refresh(name);
  const version = await versionOf(completion);
  if (version === undefined) return;
  await removeTombstones(elastic, name, [...version.models.keys()]);
  if (version.models.get(field)?.state !== 'complete') await indices.putModel(name, 'complete');
  const hasSwapped = await serveIfWhole(completion);
  await clearOld(completion, hasSwapped || options.listOld);
}

async function versionOf({ indices, index }: CompletionOptions): Promise<IndexVersion | undefined> {
  return (await indices.list()).find(({ name }) => name === index);
}

async function serveIfWhole(completion: CompletionOptions): Promise<boolean> {
  const { alias, elastic, indices, index, options, onWarning } = completion;
  const versions = await indices.list();
  const building = versions.find(({ name, isBuilding }) => isBuilding && name === index);
  if (building === undefined) return false;
  const serving = servingOf(alias, elastic.where, versions);
  const missing = missingModels(building, serving, options.dropModels);
  if (missing.length > 0) {
    const begun = missing.filter((model) => [...building.models.values()].some((each) => each.model === model));
    const rest = begun.length === missing.length ? '' : ' --force';
    onWarning(
      `${alias} stays ${serving === undefined ? 'without an index' : `with ${serving.name}`} until ${index} has the vectors ` +
        `of ${missing.join(' and ')}, too: run "sink elasticsearch --model=${missing.join()}${rest}", or leave them out with ` +
        `--es-drop-models=${missing.join()}.`,
    );
    return false;
  }
  await indices.serve(building, serving === undefined ? [] : [serving.name]);
  return true;
}

/** They are kept to go back to, until somebody asks for their removal. */
async function clearOld(completion: CompletionOptions, isToSay: boolean): Promise<void> {
  const { indices, options, alias, onWarning } = completion;
  const old = oldVersions(await indices.list());
  if (options.removeOld) for (const name of old) await indices.remove(name);
  else if (isToSay && old.length > 0) {
    const sizes = await Promise.all(old.map((name) => sizeOf(completion.elastic, name)));
    onWarning(`Earlier indices of ${alias} are still there: ${sizes.join(', ')}. --es-remove-old removes them.`);
  } else if (options.listOld) onWarning(`There are no earlier indices of ${alias}.`);
}

async function sizeOf(elastic: Elastic, name: string): Promise<string> {
  const request = { method: 'GET', path: `/${encodeURIComponent(name)}/_stats/docs,store`, what: 'sizes' } as const;
  const { body } = await elastic.ask(request, [403, 404]);
  const total = objectIn(objectIn(body, '_all'), 'total');
  const documents = numberIn(objectIn(objectIn(objectIn(body, '_all'), 'primaries'), 'docs'), 'count');
  const bytes = numberIn(objectIn(total, 'store'), 'size_in_bytes');
  if (documents === undefined || bytes === undefined) return name;
  return `${name} (${documents.toLocaleString('en')} documents, ${(bytes / 1e6).toFixed(1)} MB)`;
}
