import { createHash } from 'node:crypto';
import { escapeIdentifier } from 'pg';
import type { OpenStoreOptions } from '../port.ts';
import { quoted, type TableShape } from './table.ts';
import type { Database } from './database.ts';

/** What HNSW takes. Source: pgvector's README, "HNSW". */
const MOST_DIMENSIONS = { vector: 2_000, halfvec: 4_000 } as const;
const OPERATORS = { cosine: 'cosine_ops', dot: 'ip_ops', euclidean: 'l2_ops' } as const;
const LONGEST_NAME = 63;

/** Builds an HNSW index, unless the column has one of any kind; while it is built nobody writes to the table. */
export async function ensureIndex(
  database: Database,
  shape: TableShape,
  { similarity, onWarning }: Pick<OpenStoreOptions, 'similarity' | 'onWarning'>,
): Promise<void> {
  const { vectorType, dimension, shownName } = shape;
  if (dimension > MOST_DIMENSIONS[vectorType]) {
    onWarning(
      `${shownName}: no index is built, since HNSW takes ${MOST_DIMENSIONS[vectorType]} dimensions of ${vectorType}.`,
    );
    return;
  }
  const name = escapeIdentifier(indexName(shape));
  const column = quoted(shape.columns).embedding;
  await database.transaction(`building the index of ${shownName}`, async (client) => {
    // Of several processes that have come to the end one builds it.
    await client.query('select pg_advisory_xact_lock(hashtextextended($1, 1))', [`embedstream ${shape.name}`]);
    if (await hasIndex(client, shape)) return;
    const operators = `${vectorType}_${OPERATORS[similarity]}`;
    await client.query('set local statement_timeout = 0');
    await client.query(`create index ${name} on ${shape.name} using hnsw (${column} ${operators})`);
  });
}

/** Drops what `ensureIndex` has made: rows are written faster without it. */
export function dropOwnIndex(shape: TableShape): string {
  return `drop index if exists ${shape.schema}.${escapeIdentifier(indexName(shape))}`;
}

async function hasIndex(
  client: { query: (text: string, values: unknown[]) => Promise<{ rowCount: number | null }> },
  { oid, columns }: TableShape,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `select 1 from pg_index join pg_class on pg_class.oid = indexrelid join pg_am on pg_am.oid = relam
      where indrelid = $1 and amname in ('hnsw', 'ivfflat')
        and indkey[0] = (select attnum from pg_attribute where attrelid = $1 and attname = $2)`,
    [oid, columns.embedding],
  );
  return (rowCount ?? 0) > 0;
}

function indexName({ shownName, columns }: TableShape): string {
  const whole = `${shownName.split('.').at(-1) ?? ''}_${columns.embedding}_hnsw`;
  if (Buffer.byteLength(whole) <= LONGEST_NAME) return whole;
  return `embedstream_${createHash('sha256').update(whole).digest('hex').slice(0, 16)}_hnsw`;
}
