import { UsageError } from '../../errors.ts';
import type { ModelInfo } from '../../models/port.ts';
import type { Scorer } from '../../models/similarity.ts';
import { isImportedPrint } from '../../record/imported.ts';
import { openShardReader, outLocation, shardLocation } from '../../sinks/open-shard-store.ts';
import { ParquetFolder, parquetNames, type RowPlace } from '../../sinks/readers/live-vectors.ts';
import type { ShardReader } from '../../sinks/shard-store.ts';
import { nothingEmbedded, type SearchResult } from './search-result.ts';
import { TopMatches } from './top-matches.ts';

export interface ParquetSearch {
  /** The `--out` of the sink, the folder or prefix of its files, or one file. */
  readonly out: string;
  /** How buckets are reached. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly model: Pick<ModelInfo, 'name' | 'fingerprint' | 'dimension'>;
  readonly scorer: Scorer;
  readonly limit: number;
  readonly signal?: AbortSignal;
}

/**
 * Exact search over the files of `sink parquet`, with no log: the latest embedding of each id that is not deleted and is of
 * this very model or from an import.
 */
export async function searchParquet(options: ParquetSearch): Promise<SearchResult> {
  const { reader, names } = await openFiles(options);
  try {
    return await searchFiles(options, reader.location, new ParquetFolder(reader, names, options.model));
  } finally {
    await reader.close();
  }
}

async function searchFiles(
  { model, scorer, limit, signal }: ParquetSearch,
  location: string,
  folder: ParquetFolder,
): Promise<SearchResult> {
  const top = new TopMatches<RowPlace>(limit);
  let compared = 0;
  for await (const { id, vector, fingerprint, file, rowGroup, row } of folder.live(signal)) {
    if (fingerprint !== model.fingerprint && !isImportedPrint(fingerprint)) continue;
    top.offer(scorer(vector), id, () => ({ file, rowGroup, row }));
    compared++;
  }
  if (compared === 0)
    throw nothingEmbedded(
      model.name,
      `Nothing in ${location}`,
      'run "sink parquet" first, or choose with --out and --model.',
    );
  const best = top.best();
  const rows = await folder.rows(best.map(({ value }) => value));
  const matches = best.map(({ id, score }, i) => {
    const row = rows[i];
    return { id, score, ...(row?.text !== undefined && { text: row.text }), ...(row && { metadata: row.metadata }) };
  });
  return { compared, matches };
}

/** Where files of the model lie below `--out`, there itself, or one file; with the names that count. */
async function openFiles({
  out,
  model,
  environment,
}: ParquetSearch): Promise<{ reader: ShardReader; names: string[] }> {
  const usual = shardLocation(out, 'parquet', model.name);
  const itself = outLocation(out);
  if (itself.endsWith('.parquet')) {
    const at = itself.lastIndexOf('/');
    return { reader: openShardReader(itself.slice(0, at), environment), names: [itself.slice(at + 1)] };
  }
  for (const location of [usual, itself]) {
    const reader = openShardReader(location, environment);
    const names = (await reader.list()) ?? [];
    if (parquetNames(names).length > 0) return { reader, names: [...names] };
    await reader.close();
  }
  throw new UsageError(
    `There are no Parquet files of ${model.name} in ${usual}, nor in ${itself}: run "sink parquet" first, or choose with --out.`,
  );
}
