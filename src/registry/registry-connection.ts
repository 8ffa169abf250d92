import { UsageError } from '../errors.ts';
import { DEFAULT_RETRY, type RetryOptions } from '../log/retry.ts';

export interface RegistryConnection {
  /** Where the Confluent API begins; may hold user info, which is used and never shown. */
  readonly url: string;
  /** Goes before the URL's own. */
  readonly username?: string;
  readonly password?: string;
  /** Longest wait for one answer. Default 10 s. */
  readonly timeoutMs?: number;
  /** Default: 9 attempts over about 16 s. */
  readonly retry?: Partial<RetryOptions>;
}

export interface RegistryAddress {
  /** Without user info, for requests and messages. */
  readonly where: string;
  readonly auth?: { readonly username: string; readonly password: string };
}

export const DEFAULT_TIMEOUT_MS = 10_000;
export const REGISTRY_RETRY: RetryOptions = { ...DEFAULT_RETRY, baseMs: 200, capMs: 10_000, maxAttempts: 9 };

/** Messages never hold the URL as it was given: it may have a password. */
export function addressOf(connection: RegistryConnection): RegistryAddress {
  const url = URL.parse(connection.url);
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.search !== '' || url.hash !== '')
    throw new UsageError('The address of the schema registry must be a URL such as http://localhost:8081/path.');
  const where = `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
  const username = connection.username ?? decoded(url.username);
  const password = connection.password ?? decoded(url.password);
  if (username === '' && password !== '')
    throw new UsageError('The schema registry has a password but no user name: set SCHEMA_REGISTRY_USERNAME.');
  return username === '' ? { where } : { where, auth: { username, password } };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
