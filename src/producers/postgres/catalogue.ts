import { UsageError } from '../../errors.ts';
import { type ColumnType, kindOfType } from './column-values.ts';
import type { ReadSession } from './read-session.ts';
import { describeStatement } from './statement.ts';

export interface DescribedColumn extends ColumnType {
  readonly name: string;
}

export interface FoundTable {
  /** With its schema where that is not searched, quoted where need be. */
  readonly table: string;
  readonly primaryKey: readonly string[];
}

const MOST_LISTED = 20;

/** A table or view, found by its name as SQL finds it, or written exactly so. Rejects with a `UsageError`. */
export async function findTable(session: ReadSession, given: string, location: string): Promise<FoundTable> {
  const exact = given.split('.').map((part) => `"${part.replaceAll('"', '""')}"`);
  const text = 'select coalesce(to_regclass($1), to_regclass($2))::text';
  // What is no name at all as SQL has it makes an error of the first.
  const [row] = await session.rows({ text, values: [isPlainName(given) ? given : exact.join('.'), exact.join('.')] });
  const table = row?.[0] ?? undefined;
  if (table === undefined) throw await unknownTable(session, given, location);
  return { table, primaryKey: await primaryKeyOf(session, table) };
}

function isPlainName(given: string): boolean {
  return /^(?:[\p{L}_][\p{L}\p{N}_$]*|"(?:[^"]|"")+")(?:\.(?:[\p{L}_][\p{L}\p{N}_$]*|"(?:[^"]|"")+"))*$/u.test(given);
}

async function unknownTable(session: ReadSession, given: string, location: string): Promise<UsageError> {
  const text = `
    select oid::regclass::text from pg_class
    where relkind in ('r', 'v', 'm', 'f', 'p') and not relispartition
      and relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
    order by 1 limit ${MOST_LISTED}`;
  const rows = await session.rows({ text, values: [] });
  const names = rows.map(([name]) => name ?? '').join(', ');
  return new UsageError(
    `${location}: there is no table or view "${given}" that may be seen. ${names === '' ? 'There are none.' : `There are: ${names}.`}`,
  );
}

async function primaryKeyOf(session: ReadSession, table: string): Promise<string[]> {
  const text = `
    select a.attname from pg_index i, unnest(i.indkey) with ordinality as key (attnum, place), pg_attribute a
    where i.indrelid = $1::text::regclass and i.indisprimary and a.attrelid = i.indrelid and a.attnum = key.attnum
    order by key.place`;
  const rows = await session.rows({ text, values: [table] });
  return rows.map(([name]) => name ?? '');
}

/** The columns of a table or query. Rejects with a `UsageError` where two have one name, and for a wrong query. */
export async function describeRows(session: ReadSession, whole: string, location: string): Promise<DescribedColumn[]> {
  const { fields } = await session.all({ text: describeStatement(whole), values: [] });
  const names = new Set<string>();
  for (const { name } of fields) {
    if (names.has(name))
      throw new UsageError(
        `${location}: two columns are named "${name}". Give one another name in the query: select … as other_name.`,
      );
    names.add(name);
  }
  const entries = await entryTypes(session, new Set(fields.map(({ dataTypeID }) => dataTypeID)));
  return fields.map(({ name, dataTypeID }) => {
    const entry = entries.get(dataTypeID);
    return { name, kind: kindOfType(entry ?? dataTypeID), isArray: entry !== undefined };
  });
}

/** Of those types that are arrays, the types of their entries. */
async function entryTypes(session: ReadSession, types: ReadonlySet<number>): Promise<ReadonlyMap<number, number>> {
  const text = `select oid::text, typelem::text from pg_type where oid = any($1::oid[]) and typcategory = 'A'`;
  const rows = await session.rows({ text, values: [`{${[...types].join(',')}}`] });
  return new Map(rows.map(([type, entry]) => [Number(type), Number(entry)]));
}
