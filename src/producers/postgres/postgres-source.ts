import { createHash } from 'node:crypto';
import { UsageError } from '../../errors.ts';
import { withRetries } from '../../log/retry.ts';
import { type Environment, parsePostgresAddress, type PostgresAddress, shownAddress } from '../../postgres/address.ts';
import { withImages } from '../image/attach-images.ts';
import type { FormatOptions, OpenFile, Source } from '../port.ts';
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

/** A second and a half in all: an address is more often wrong than its server away. */
const OPENING = { maxAttempts: 5, baseMs: 200, capMs: 2_000 };
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
  const onRetry = (message: string): void => onWarning?.(message);
  const plan = await withRetries(
    () => planTable({ address, from: wanted.from, options: form, location, signal }),
    signal,
    {
      ...{ ...OPENING, random: retry.random },
      onRetry: ({ error }) => {
        onRetry(error.message);
      },
    },
  );
  const rows: OpenFile = {
    description: plan.description,
    read: (readSignal = signal) =>
      readAgain(() => readTable(address, plan, location, readSignal), {
        ...retry,
        signal: readSignal,
        onRetry,
      }),
  };
  const { image } = plan.records;
  const opened = image === undefined ? rows : await withImages(rows, image, form, location);
  return {
    name: name ?? nameOf(address, wanted.short),
    location,
    description: opened.description,
    isTable: true,
    isFiltered: (form.where ?? []).length > 0,
    read: (readSignal = signal) => opened.read(readSignal),
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
