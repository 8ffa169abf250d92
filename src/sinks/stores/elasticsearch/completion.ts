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
  const { elastic, indices, index: name, field } = completion;
  await indices.refresh(name);
  const version = await versionOf(completion);
  if (version === undefined) return;
  await removeTombstones(elastic, name, [...version.models.keys()]);
  if (version.models.get(field)?.state !== 'complete') await indices.putModel(name, 'complete');
  const replaced = await serveIfWhole(completion);
  await clearOld(completion, replaced);
}

async function versionOf({ indices, index }: CompletionOptions): Promise<IndexVersion | undefined> {
  return (await indices.list()).find(({ name }) => name === index);
}

/** @returns the index that served until now. */
async function serveIfWhole(completion: CompletionOptions): Promise<string | undefined> {
  const { alias, elastic, indices, index, options, onWarning } = completion;
  const versions = await indices.list();
  const building = versions.find(({ name, isBuilding }) => isBuilding && name === index);
  if (building === undefined) return undefined;
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
    return undefined;
  }
  await indices.serve(building, serving === undefined ? [] : [serving.name]);
  return serving?.name;
}

/**
 * They are kept to go back to, until somebody asks for their removal. Then, too, the one that served a moment ago stays
 * until the next time: somebody may be reading from it.
 */
async function clearOld(completion: CompletionOptions, replaced: string | undefined): Promise<void> {
  const { elastic, indices, options, alias, onWarning } = completion;
  let old = oldVersions(await indices.list());
  if (options.removeOld) {
    for (const name of old) if (name !== replaced) await indices.remove(name);
    old = old.filter((name) => name === replaced);
  }
  if (old.length > 0 && (replaced !== undefined || options.listOld)) {
    const sizes = await Promise.all(old.map((name) => sizeOf(elastic, name)));
    onWarning(
      `Earlier indices of ${alias} are there: ${sizes.join(', ')}. The next run with --es-remove-old removes them.`,
    );
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
