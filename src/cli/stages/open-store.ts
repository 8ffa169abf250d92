import { UsageError } from '../../errors.ts';
import { findStoreAdapter } from '../../sinks/stores/adapters.ts';
import type { OpenStoreOptions, Store, StoreAdapter, StoreOptions } from '../../sinks/stores/port.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { Workspace } from '../wiring.ts';

/** What the command line has for stores. */
export interface StoreAccess {
  readonly options: StoreOptions;
  readonly log: Pick<Logger, 'warn'>;
  readonly signal?: AbortSignal;
}

export async function loadAdapter(name: string): Promise<StoreAdapter> {
  const load = findStoreAdapter(name);
  if (load === undefined) throw new UsageError(`${name} is no kind of store that this version knows.`);
  return load();
}

export function openStore(
  adapter: StoreAdapter,
  { clock }: Pick<Workspace, 'clock'>,
  { options, log, signal }: StoreAccess,
  place: Pick<OpenStoreOptions, 'location' | 'model' | 'dimension' | 'sinkName' | 'together'> & {
    readonly similarity?: OpenStoreOptions['similarity'] | undefined;
  },
): Promise<Store> {
  return adapter.open({
    ...place,
    similarity: place.similarity ?? 'cosine',
    options,
    environment: process.env,
    clock,
    signal,
    onWarning: (message) => {
      log.warn(message);
    },
  });
}
