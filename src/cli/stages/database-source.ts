import { UsageError } from '../../errors.ts';
import { isPostgresUrl } from '../../postgres/address.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const FROM_ENVIRONMENT = 'env:';

/** `env:DATABASE_URL` is what that variable says, so that no command line shows it. It is never part of a message. */
export function resolveSource(given: string, environment: Environment): string {
  if (!given.startsWith(FROM_ENVIRONMENT)) return given;
  const name = given.slice(FROM_ENVIRONMENT.length);
  const value = environment[name] ?? '';
  if (value === '') throw new UsageError(`--source=${given}: the environment variable ${name} is not set.`);
  if (!isPostgresUrl(value))
    throw new UsageError(`--source=${given}: ${name} holds no connection string, which begins with postgres://.`);
  return value;
}

/** Flags that would have no effect are a mistake. */
export function checkDatabaseOptions(
  sources: readonly string[],
  { query, table }: { readonly query?: string | undefined; readonly table?: string | undefined },
): void {
  if (query !== undefined && table !== undefined)
    throw new UsageError('--query and --table both say what to read: give one of them.');
  if ((query ?? table) !== undefined && !sources.some(isPostgresUrl))
    throw new UsageError(
      `--${query === undefined ? 'table' : 'query'} is for a database: --source=postgres://host/database.`,
    );
}
