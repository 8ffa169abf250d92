import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { UsageError } from '../../errors.ts';
import type { ModelInfo } from '../../models/port.ts';
import type { Scorer } from '../../models/similarity.ts';
import { isImportedPrint } from '../../record/imported.ts';
import { ParquetFolder, type RowPlace } from '../../sinks/readers/live-vectors.ts';
import { folderSegment } from '../../sinks/shard-name.ts';
import { nothingEmbedded, type SearchResult } from './search-result.ts';
import { TopMatches } from './top-matches.ts';

export interface ParquetSearch {
  /** The `--out` of the sink, the folder of its files, or one file. */
  readonly out: string;
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
  const { model, scorer, limit, signal } = options;
  const path = await folderOf(options);
  const folder = await ParquetFolder.open(path, model);
  const top = new TopMatches<RowPlace>(limit);
  let compared = 0;
  for await (const { id, vector, fingerprint, path: file, rowGroup, row } of folder.live(signal)) {
    if (fingerprint !== model.fingerprint && !isImportedPrint(fingerprint)) continue;
    top.offer(scorer(vector), id, () => ({ path: file, rowGroup, row }));
    compared++;
  }
  if (compared === 0)
    throw nothingEmbedded(
      model.name,
      `Nothing in ${path}`,
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

/** Where files of the model lie below `--out`, or there itself. */
async function folderOf({ out, model }: ParquetSearch): Promise<string> {
  const path = resolve(out);
  const usual = join(path, 'parquet', folderSegment(model.name));
  for (const candidate of [usual, path]) {
    const names = await readdir(candidate).catch(() => []);
    if (names.some((name) => name.endsWith('.parquet'))) return candidate;
  }
  if (path.endsWith('.parquet')) return path;
  throw new UsageError(
    `There are no Parquet files of ${model.name} in ${usual}, nor in ${path}: run "sink parquet" first, or choose with --out.`,
  );
}
