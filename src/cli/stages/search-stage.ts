import { readFile } from 'node:fs/promises';
import { messageOf, PipelineError, UsageError } from '../../errors.ts';
import { commonPartitions } from '../../log/partition-counts.ts';
import { findModel } from '../../models/catalog/find-model.ts';
import type { Embedder, EmbedInput } from '../../models/port.ts';
import { scorerOf } from '../../models/similarity.ts';
import { embedQuery } from '../../operations/search/embed-query.ts';
import type { SearchResult } from '../../operations/search/search-result.ts';
import type { CommandContext } from '../command.ts';
import type { searchFlags } from '../definitions/search.ts';
import { watched, withWorkspace } from '../wiring.ts';
import { loadAdapter, openStore } from './open-store.ts';

type SearchContext = Pick<CommandContext<typeof searchFlags>, 'options' | 'signal' | 'log' | 'instruments'>;

export interface Query {
  /** What the model embeds. */
  readonly input: EmbedInput;
  /** To be looked for as they are. */
  readonly words?: string;
}

/** More is no query. */
const MOST_IMAGE_BYTES = 64 * 1024 * 1024;

/** @throws UsageError unless exactly one thing is asked for, and for an image that can't be read. */
export async function readQuery(words: string | undefined, options: SearchContext['options']): Promise<Query> {
  const { image, hybrid, backend } = options;
  if (hybrid && backend !== 'elasticsearch')
    throw new UsageError('--hybrid is for --backend=elasticsearch, which keeps the words of the texts.');
  if (words === undefined && (hybrid || image === undefined))
    throw new UsageError(`Say what to look for: ${hybrid ? 'some words' : 'some words, or --image=FILE'}.`);
  if (words !== undefined && image !== undefined && !hybrid)
    throw new UsageError('Words and --image are two queries: give one of them, or --hybrid to rank by both.');
  return {
    input: image === undefined ? { text: words ?? '' } : { image: await readImage(image) },
    ...(hybrid && words !== undefined && { words }),
  };
}

/** Finds what is nearest to the query where `--backend` says. */
export async function searchBackend(
  context: SearchContext,
  embedder: Embedder,
  { input, words }: Query,
): Promise<SearchResult> {
  const { options, signal, log } = context;
  const { backend, limit, out } = options;
  const model = embedder.info;
  const { similarity } = await findModel(options.model);
  const embedded = (): Promise<Float32Array> => embedQuery(embedder, input, signal);
  if (backend === 'log')
    return withWorkspace(watched(context), async (workspace) => {
      commonPartitions(await workspace.log.topics(), workspace.namespace);
      const { searchLog } = await import('../../operations/search/search-log.ts');
      return searchLog({ ...workspace, model, scorer: scorerOf(similarity, await embedded()), limit, signal });
    });
  if (backend === 'parquet') {
    const { searchParquet } = await import('../../operations/search/search-parquet.ts');
    const scorer = scorerOf(similarity, await embedded());
    return searchParquet({ out, environment: process.env, model, scorer, limit, signal });
  }
  const adapter = await loadAdapter(backend);
  const location = adapter.locate(options, process.env, model.name);
  const place = { location, model: model.name, dimension: model.dimension, similarity, sinkName: 'search' };
  const store = await openStore(adapter, { clock: Date.now }, { options, log, signal }, place);
  try {
    const { searchStore } = await import('../../operations/search/search-store.ts');
    const query = { vector: await embedded(), limit, signal, ...(words !== undefined && { words }) };
    return await searchStore({ store, backend, location, model, ...query });
  } finally {
    await store.close();
  }
}

async function readImage(path: string): Promise<{ mime: string; bytes: Buffer }> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new UsageError(`--image=${path} can't be read: ${messageOf(error)}.`, { cause: error });
  });
  try {
    const { prepareImage } = await import('../../producers/image/prepare-image.ts');
    const { image } = await prepareImage(bytes, { maxInlineBytes: MOST_IMAGE_BYTES });
    return { mime: image.mime, bytes };
  } catch (error) {
    if (!(error instanceof PipelineError) || !error.poison) throw error;
    throw new UsageError(`--image=${path} is no image that can be used: ${error.message}.`, { cause: error });
  }
}
