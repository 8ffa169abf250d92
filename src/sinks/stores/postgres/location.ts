import { UsageError } from '../../../errors.ts';
import {
  type Environment,
  parsePostgresAddress,
  type PostgresAddress,
  shownAddress,
} from '../../../postgres/address.ts';
import type { StoreOptions } from '../port.ts';

/** What a column of the table is for. */
export const COLUMN_ROLES = ['id', 'embedding', 'model', 'created', 'updated'] as const;
export type ColumnRole = (typeof COLUMN_ROLES)[number];
export type Columns = Readonly<Record<ColumnRole, string>>;

export interface TableLocation {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** `product_embeddings` or `schema.product_embeddings`, as it was given. */
  readonly table: string;
  readonly columns: Columns;
}

const DEFAULT_TABLE = 'product_embeddings';
const DEFAULT_COLUMNS: Columns = {
  id: 'asset_id',
  embedding: 'embedding',
  model: 'model_version',
  created: 'created_at',
  updated: 'updated_at',
};
/** Postgres cuts longer names off, and then two may be one. */
const LONGEST_NAME_BYTES = 63;

/** `postgres://host:port/database?table=…`, with the columns that have other names than usual; neither user nor password. */
export function locateTable(options: StoreOptions, environment: Environment): string {
  const address = baseAddress(options, environment);
  if (address === undefined)
    throw new UsageError(
      'Say which Postgres: --postgres-url=postgres://host/database or POSTGRES_URL, with the user in PGUSER and the password in PGPASSWORD.',
    );
  const table = typeof options['pgTable'] === 'string' ? options['pgTable'] : DEFAULT_TABLE;
  refuseName('--pg-table', tableParts(table), 2);
  const columns = parseColumns(options['pgColumns']);
  const parameters = new URLSearchParams({ table });
  for (const role of COLUMN_ROLES) if (columns[role] !== DEFAULT_COLUMNS[role]) parameters.set(role, columns[role]);
  return `${shownAddress(address)}?${parameters.toString()}`;
}

/** What `locateTable` has answered. */
export function parseLocation(location: string): TableLocation {
  const url = new URL(location);
  const { host, port, database } = parsePostgresAddress(`${url.protocol}//${url.host}${url.pathname}`, {});
  const columns = COLUMN_ROLES.map((role) => [role, url.searchParams.get(role) ?? DEFAULT_COLUMNS[role]] as const);
  return {
    ...{ host, port, database },
    table: url.searchParams.get('table') ?? DEFAULT_TABLE,
    columns: Object.fromEntries(columns) as Record<ColumnRole, string>,
  };
}

/** Where the table is, with who asks: credentials that are meant for another server are not sent to this one. */
export function addressOf(
  { host, port, database }: TableLocation,
  options: StoreOptions,
  environment: Environment,
): PostgresAddress {
  const base = baseAddress(options, environment);
  const isSame = base?.host === host && base.port === port;
  const address = isSame ? base : parsePostgresAddress(undefined, environment);
  return { ...address, host, port, database };
}

export function tableParts(table: string): string[] {
  return table.split('.');
}

/** Undefined where nobody has said anything: then it is not meant to be on this machine. */
function baseAddress(options: StoreOptions, environment: Environment): PostgresAddress | undefined {
  const url = options['postgresUrl'];
  if (typeof url === 'string' && url !== '') return parsePostgresAddress(url, environment);
  const isSaid = ['PGHOST', 'PGDATABASE'].some((name) => (environment[name] ?? '') !== '');
  return isSaid ? parsePostgresAddress(undefined, environment) : undefined;
}

/** `id=product_id`, `embedding=vector`, … */
function parseColumns(given: unknown): Columns {
  const columns: Record<ColumnRole, string> = { ...DEFAULT_COLUMNS };
  for (const item of Array.isArray(given) ? given.map(String) : []) {
    const at = item.indexOf('=');
    const role = COLUMN_ROLES.find((each) => each === item.slice(0, Math.max(0, at)).trim());
    if (role === undefined)
      throw new UsageError(`--pg-columns=${item} must be ROLE=COLUMN; the roles are ${COLUMN_ROLES.join(', ')}.`);
    columns[role] = item.slice(at + 1).trim();
  }
  const names = Object.values(columns);
  refuseName('--pg-columns', names, names.length);
  if (new Set(names).size < names.length) throw new UsageError('--pg-columns: each role needs a column of its own.');
  return columns;
}

function refuseName(flag: string, names: readonly string[], most: number): void {
  const isWrong = (name: string): boolean =>
    name === '' || name.includes('\0') || Buffer.byteLength(name) > LONGEST_NAME_BYTES;
  if (names.length > most || names.some(isWrong))
    throw new UsageError(
      `${flag}: a name has 1 to ${LONGEST_NAME_BYTES} bytes, and a table's at most its schema before it.`,
    );
}
