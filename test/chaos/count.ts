import { join } from 'node:path';
import { pythonEnvironment, runPython } from '../python/environment.ts';
import { MODEL, type Place } from './place.ts';

const SCHEMAS = join(import.meta.dirname, '..', '..', 'schemas');

type Row<Rest extends readonly unknown[]> = readonly [partition: number, offset: number, id: string, ...rest: Rest];

/** All that is committed, and all that lies in the shard folders, as `test/python/count_pipeline.py` says it. */
export interface Counted {
  /** The content hash is null for a deletion. */
  readonly records: readonly Row<[contentHash: string | null]>[];
  readonly embeddings: readonly Row<[contentHash: string | null, vectorHash: string | null]>[];
  readonly ledger: readonly Row<[contentHash: string | null, outcome: string | null]>[];
  readonly deadLetters: readonly Row<[stage: string, reason: string]>[];
  readonly shards: Readonly<
    Record<
      string,
      {
        readonly rows: readonly Row<[contentHash: string, vectorHash: string]>[];
        readonly deletions: readonly Row<[]>[];
      }
    >
  >;
}

export interface CountOptions {
  /** Left out: those of the commands. */
  readonly brokers?: readonly string[];
  readonly model?: string;
}

/** Counts with a consumer and readers that are not ours. Rejects where this machine has no Python for it. */
export async function count(
  place: Place,
  formats: readonly string[],
  { brokers = place.brokers, model = MODEL }: CountOptions = {},
): Promise<Counted> {
  const environment = await pythonEnvironment();
  if ('missing' in environment) throw new Error(environment.missing);
  const folders = formats.map((format) => `${format}=${place.path('data', format, model)}`);
  const args = [brokers.join(), place.namespace, model, SCHEMAS, ...folders];
  return (await runPython(environment.python, 'count_pipeline.py', args)) as Counted;
}
