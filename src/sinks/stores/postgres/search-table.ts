import type { ClientBase } from 'pg';
import { UsageError } from '../../../errors.ts';
import type { OpenStoreOptions, StoreMatch, StoreQuery } from '../port.ts';
import type { Database } from './database.ts';
import { quoted, type TableShape } from './table.ts';

/** pgvector's operators, and what makes of their distance how near two vectors are. */
const MEASURES = {
  cosine: { operator: '<=>', score: (distance: number) => 1 - distance },
  dot: { operator: '<#>', score: (distance: number) => -distance },
  euclidean: { operator: '<->', score: (distance: number) => -distance },
} as const;
/** Rows that an index of HNSW looks at for a query: no fewer than the default, and no more than it allows. */
const EF_SEARCH = { least: 100, most: 1_000 };

/**
 * The rows nearest to a vector, by the operator that the table's index is built for: where it has one and the planner
 * takes it, nearly all of the nearest are found. Undefined: there are no rows of the model.
 */
export async function searchTable(
  database: Database,
  shape: TableShape,
  { model, similarity }: Pick<OpenStoreOptions, 'model' | 'similarity'>,
  { vector, limit, words, signal }: StoreQuery,
): Promise<readonly StoreMatch[] | undefined> {
  if (words !== undefined) throw new UsageError('--hybrid needs texts, and a table of pgvector has none.');
  const { operator, score } = MEASURES[similarity];
  const columns = quoted(shape.columns);
  const nearness = `${columns.embedding} ${operator} $1::${shape.vectorType}(${shape.dimension})`;
  const text = `select ${columns.id}::text as id, (${nearness})::float8 as distance
    from ${shape.name} where ${columns.model} = $2 order by ${nearness} limit $3`;
  return database.transaction(
    `searching ${shape.shownName}`,
    async (client) => {
      await tuneIndex(client, limit);
      const values = [`[${vector.join()}]`, model, limit];
      const { rows } = await client.query<{ id: string; distance: number }>(text, values);
      if (rows.length === 0) return undefined;
      return rows.map(({ id, distance }) => ({ id, score: score(distance) }));
    },
    signal,
  );
}

/** For this transaction: an index is looked into deep enough, and on where rows of another model were in the way. */
async function tuneIndex(client: ClientBase, limit: number): Promise<void> {
  // The settings are there once the extension is loaded; iterative scans came with pgvector 0.8.
  await client.query(`select '[0]'::vector`);
  const depth = Math.min(EF_SEARCH.most, Math.max(EF_SEARCH.least, limit * 2));
  await client.query(
    `select set_config(name, case name when 'hnsw.ef_search' then $1 else 'strict_order' end, true)
       from pg_settings where name in ('hnsw.ef_search', 'hnsw.iterative_scan')`,
    [String(depth)],
  );
}
