import { UsageError } from '../../errors.ts';
import type { ModelInfo } from '../../models/port.ts';
import type { Store, StoreQuery } from '../../sinks/stores/port.ts';
import { nothingEmbedded, type SearchResult } from './search-result.ts';

export interface StoreSearch extends Omit<StoreQuery, 'fingerprint'> {
  readonly store: Store;
  /** For messages: the adapter's name, and where it is. */
  readonly backend: string;
  readonly location: string;
  readonly model: Pick<ModelInfo, 'name' | 'fingerprint'>;
}

/** What a store finds by its own index: nearly always all of the nearest, and in their order. */
export async function searchStore({ store, backend, location, model, ...query }: StoreSearch): Promise<SearchResult> {
  if (store.search === undefined) throw new UsageError(`--backend=${backend} can't be searched.`);
  const matches = await store.search({ ...query, fingerprint: model.fingerprint });
  if (matches === undefined || matches.length === 0)
    throw nothingEmbedded(
      model.name,
      `Nothing in ${location}`,
      `run "sink ${backend} --model=${model.name}" first, or choose with --model.`,
    );
  return { matches };
}
