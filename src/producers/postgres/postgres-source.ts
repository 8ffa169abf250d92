import { createHash } from 'node:crypto';
import { UsageError } from '../../errors.ts';
import { type Environment, parsePostgresAddress, type PostgresAddress, shownAddress } from '../../postgres/address.ts';
import type { FormatOptions, Source } from '../port.ts';
import type { Rows } from './statement.ts';
import { planTable } from './table-plan.ts';
import { READ_AGAIN, readAgain, type ReadAgainOptions } from './read-again.ts';
import { readTable } from './read-table.ts';

export interface PostgresSourceOptions extends FormatOptions {
  /** The `<source>` of the ledger topic. Default: made of host, database and table or query. */
  readonly name?: string;
  readonly query?: string;
  readonly table?: string;
  /** For what the connection string leaves out: `PG…` variables. */
  readonly environment?: Environment;
  readonly signal?: AbortSignal;
  readonly onWarning?: (message: string) => void;
  /** For tests. */
  readonly readAgain?: Pick<ReadAgainOptions, 'maxFailures' | 'backoff' | 'random'>;
}

const LONGEST_NAME = 100;

/**
 * Opens a table or the rows of a query. Asks the server for its columns, and where no id or text is given for the first
 * rows. Rejects with a `UsageError` for what the user must change, a wrong query with what the server says of it.
 */
export async function openPostgres(url: string, options: PostgresSourceOptions): Promise<Source> {
  const { query, table, name, environment = {}, signal, onWarning, readAgain: retry = READ_AGAIN, ...form } = options;
  const address = parsePostgresAddress(url, environment);
  const wanted = wantedOf(query, table, address);
  const location = `${shownAddress(address)}${wanted.shown}`;
  const plan = await planTable({ address, from: wanted.from, options: form, location, signal });
  return {
    name: name ?? nameOf(address, wanted.short),
    location,
    description: plan.description,
    isTable: true,
    isFiltered: (form.where ?? []).length > 0,
    read: (readSignal) =>
      readAgain(() => readTable(address, plan, location, readSignal ?? signal), {
        ...retry,
        signal: readSignal ?? signal,
        onRetry: (message) => onWarning?.(message),
      }),
  };
}

interface Wanted {
  readonly from: Rows;
  /** Behind the database's address. */
  readonly shown: string;
  readonly short: string;
}

function wantedOf(query: string | undefined, table: string | undefined, address: PostgresAddress): Wanted {
  if ((query === undefined) === (table === undefined))
    throw new UsageError(`${shownAddress(address)}: say what to read with either --table=NAME or --query='select …'.`);
  if (table !== undefined) return { from: { table }, shown: `/${table}`, short: table };
  const digest = createHash('sha256')
    .update((query ?? '').trim().replaceAll(/\s+/g, ' '))
    .digest('hex')
    .slice(0, 8);
  return { from: { query: query ?? '' }, shown: ` (query ${digest})`, short: `query-${digest}` };
}

/** `db.example.org-museum-assets`: letters, digits, dots, dashes and underscores. */
function nameOf({ host, port, database }: PostgresAddress, short: string): string {
  const whole = `${host}${port === 5432 ? '' : `-${port}`}-${database}-${short}`;
  const plain = whole.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '');
  // Two long or strange names must not become one.
  if (plain === whole && plain.length <= LONGEST_NAME) return plain;
  return `${plain.slice(0, LONGEST_NAME - 9)}-${createHash('sha256').update(whole).digest('hex').slice(0, 8)}`;
}
