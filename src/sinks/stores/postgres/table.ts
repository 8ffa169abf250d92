import type { ClientBase } from 'pg';
import { escapeIdentifier } from 'pg';
import { UsageError } from '../../../errors.ts';
import type { IdType, VectorType } from './copy-rows.ts';
import { COLUMN_ROLES, type ColumnRole, type Columns, tableParts, type TableLocation } from './location.ts';

/** Above it pgvector's indexes take no `vector`, only `halfvec`. */
const MOST_VECTOR_DIMENSIONS = 2_000;
/** What a column of either type takes. */
const MOST_DIMENSIONS = 16_000;

/** The table as it is. */
export interface TableShape {
  /** Quoted, ready for a statement. */
  readonly name: string;
  readonly shownName: string;
  /** In the same schema, quoted. */
  readonly schema: string;
  readonly oid: number;
  readonly columns: Columns;
  readonly idType: IdType;
  /** Characters. */
  readonly longestId: number | undefined;
  readonly vectorType: VectorType;
  readonly dimension: number;
}

const ID_TYPES: Readonly<Record<string, IdType>> = {
  text: 'text',
  varchar: 'text',
  uuid: 'uuid',
  int2: 'int2',
  int4: 'int4',
  int8: 'int8',
};
const TYPES: Readonly<Record<Exclude<ColumnRole, 'id'>, readonly string[]>> = {
  embedding: ['vector', 'halfvec'],
  model: ['text', 'varchar'],
  created: ['timestamptz'],
  updated: ['timestamptz'],
};

interface FoundColumn {
  readonly name: string;
  readonly type: string;
  /** Of `varchar(n)` n + 4, of `vector(n)` n; -1: none. */
  readonly modifier: number;
}

/**
 * Finds the table, or makes it. To be called within a transaction.
 *
 * @throws UsageError for a table of another shape, and where pgvector is not there, with what to run
 */
export async function ensureTable(client: ClientBase, location: TableLocation, dimension: number): Promise<TableShape> {
  await requireExtension(client, location.database, dimension);
  const name = tableParts(location.table).map(escapeIdentifier).join('.');
  // One process makes it, those beside it find it.
  await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`embedstream ${name}`]);
  const before = await findTable(client, name);
  if (before === undefined) await createTable(client, name, location.columns, dimension);
  const found = before ?? (await findTable(client, name));
  if (found === undefined) throw new UsageError(`The table ${location.table} can't be found. Check its schema.`);
  return shapeOf(client, { ...found, name }, location, dimension);
}

/** The table as it is, where it is there. Throws as `ensureTable`. */
export async function inspectTable(
  client: ClientBase,
  location: TableLocation,
  dimension: number,
): Promise<TableShape | undefined> {
  const name = tableParts(location.table).map(escapeIdentifier).join('.');
  const found = await findTable(client, name);
  return found && shapeOf(client, { ...found, name }, location, dimension);
}

async function requireExtension(client: ClientBase, database: string, dimension: number): Promise<void> {
  const { rowCount } = await client.query(`select 1 from pg_extension where extname = 'vector'`);
  if (rowCount === 0)
    throw new UsageError(
      `The database ${database} has no pgvector. Install it on the server and let somebody who may run in this database: create extension vector;`,
    );
  if (dimension > MOST_DIMENSIONS)
    throw new UsageError(`The model has ${dimension} dimensions, and pgvector takes ${MOST_DIMENSIONS}.`);
}

async function createTable(client: ClientBase, name: string, columns: Columns, dimension: number): Promise<void> {
  const { id, embedding, model, created, updated } = quoted(columns);
  const type = dimension > MOST_VECTOR_DIMENSIONS ? 'halfvec' : 'vector';
  await client.query(`
    create table ${name} (
      ${id} text not null,
      ${embedding} ${type}(${dimension}) not null,
      ${model} text not null,
      ${created} timestamptz not null,
      ${updated} timestamptz not null default now(),
      primary key (${id}, ${model}))`);
}

interface FoundTable {
  readonly oid: number;
  readonly schema: string;
}

async function findTable(client: ClientBase, name: string): Promise<FoundTable | undefined> {
  const { rows } = await client.query<{ oid: number; schema: string; kind: string }>(
    `select oid::int8::float8 as oid, relnamespace::regnamespace::text as schema, relkind as kind
       from pg_class where oid = to_regclass($1)`,
    [name],
  );
  const [table] = rows;
  if (table !== undefined && !['r', 'p'].includes(table.kind)) throw new UsageError(`${name} is no table.`);
  return table;
}

async function shapeOf(
  client: ClientBase,
  { oid, schema, name }: FoundTable & { readonly name: string },
  { table, columns }: TableLocation,
  dimension: number,
): Promise<TableShape> {
  const { rows } = await client.query<FoundColumn>(
    `select attname as name, typname as type, atttypmod as modifier
       from pg_attribute join pg_type on pg_type.oid = atttypid
      where attrelid = $1 and attnum > 0 and not attisdropped`,
    [oid],
  );
  const found = Object.fromEntries(
    COLUMN_ROLES.map((role) => [role, requireColumn(rows, role, columns[role], table)] as const),
  ) as Record<ColumnRole, FoundColumn>;
  const { id, embedding } = found;
  // -1: any dimension.
  if (embedding.modifier !== -1 && embedding.modifier !== dimension)
    throw new UsageError(
      `${table} holds vectors of ${embedding.modifier} dimensions, and the model has ${dimension}: take another --pg-table.`,
    );
  await requireKey(client, oid, table, columns);
  return {
    ...{ name, schema, oid, columns, dimension },
    shownName: table,
    idType: ID_TYPES[id.type] ?? 'text',
    longestId: id.type === 'varchar' && id.modifier > 0 ? id.modifier - 4 : undefined,
    vectorType: embedding.type === 'halfvec' ? 'halfvec' : 'vector',
  };
}

function requireColumn(found: readonly FoundColumn[], role: ColumnRole, name: string, table: string): FoundColumn {
  const column = found.find((each) => each.name === name);
  const types = role === 'id' ? Object.keys(ID_TYPES) : TYPES[role];
  if (column !== undefined && types.includes(column.type)) return column;
  const what = column === undefined ? `has no column "${name}"` : `has "${name}" as ${column.type}`;
  throw new UsageError(
    `The table ${table} ${what}; for the ${role} it needs one of type ${types.join(' or ')}. Name it with --pg-columns=${role}=COLUMN, or take another --pg-table.`,
  );
}

/** What rows are written over by. */
async function requireKey(client: ClientBase, oid: number, table: string, columns: Columns): Promise<void> {
  const { rows } = await client.query<{ names: string[] }>(
    `select array(select attname::text from pg_attribute where attrelid = indrelid and attnum = any(indkey)) as names
       from pg_index where indrelid = $1 and indisunique and indpred is null and indexprs is null and indisvalid`,
    [oid],
  );
  const wanted = [columns.id, columns.model].sort().join('\0');
  if (rows.some(({ names }) => names.sort().join('\0') === wanted)) return;
  const { id, model } = quoted(columns);
  throw new UsageError(
    `The table ${table} has no unique key of "${columns.id}" and "${columns.model}", by which rows are written over: ` +
      `alter table ${table} add unique (${id}, ${model});`,
  );
}

export function quoted(columns: Columns): Columns {
  return Object.fromEntries(COLUMN_ROLES.map((role) => [role, escapeIdentifier(columns[role])] as const)) as Record<
    ColumnRole,
    string
  >;
}
