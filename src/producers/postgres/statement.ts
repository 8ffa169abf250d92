import { escapeIdentifier } from 'pg';
import { parseCondition } from '../csv/row-filter.ts';

/** A statement and its parameters, `$1` on. */
export interface Statement {
  readonly text: string;
  readonly values: readonly string[];
}

/** What is read: a query of the user's, or a table. */
export type Rows = { readonly query: string } | { readonly table: string };

/** For `from`, before any filter. A table's name is quoted already where it has to be. */
export function wholeOf(from: Rows): string {
  // A comment at the query's end must not take in what comes behind it.
  return 'query' in from ? `(\n${from.query.trim().replace(/;$/, '')}\n)` : from.table;
}

/** Tells the columns; no row is read. */
export function describeStatement(whole: string): string {
  return `select * from ${whole} as q limit 0`;
}

/**
 * Reads `columns`, in the server's order. Each condition is `column=value` or `column!=value`, as for files, with blanks and
 * SQL's quotes around the value or not. Values travel as parameters and are compared as the column's type; an empty
 * one stands for NULL, too. Throws a `UsageError` for a column that is not there.
 */
export function readStatement(
  whole: string,
  columns: readonly string[],
  {
    where,
    limit,
    known,
  }: { readonly where: readonly string[]; readonly limit?: number; readonly known: readonly string[] },
): Statement {
  const values: string[] = [];
  const conditions = where.map((given) => {
    const { column, value, isEqual } = parseCondition(known, given);
    const name = `q.${escapeIdentifier(known[column] ?? '')}`;
    const plain = unquoted(value);
    if (plain === '') return `coalesce(${name}::text, '') ${isEqual ? '=' : '<>'} ''`;
    values.push(plain);
    return `${name} ${isEqual ? '=' : 'is distinct from'} $${values.length}`;
  });
  const listed = columns.map((name) => `q.${escapeIdentifier(name)}`).join(', ');
  const filter = conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`;
  return {
    text: `select ${listed} from ${whole} as q${filter}${limit === undefined ? '' : ` limit ${limit}`}`,
    values,
  };
}

/** `'O''Keeffe'` is O'Keeffe, as in SQL. */
function unquoted(value: string): string {
  return /^'.*'$/s.test(value) && value.length > 1 ? value.slice(1, -1).replaceAll("''", "'") : value;
}
