import { UsageError } from '../../errors.ts';
import { keyMissing } from './hosted-errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The first of these that is set and not empty. */
export function setting(environment: Environment, ...names: readonly string[]): string | undefined {
  return names.map((name) => environment[name]?.trim()).find((value) => value !== undefined && value !== '');
}

/**
 * The key of the first of these names that is set.
 *
 * @throws UsageError that names them.
 */
export function requiredKey(provider: string, environment: Environment, ...names: readonly string[]): string {
  const key = setting(environment, ...names);
  if (key === undefined) throw keyMissing(provider, names);
  // What no header can hold would come back as an error of the connection.
  if (!/^[\x21-\x7e]+$/.test(key)) throw new UsageError(`${names[0] ?? 'the key'} holds characters that no key has.`);
  return key;
}

/**
 * An address without its last slash.
 *
 * @throws UsageError where it is no address, or holds a password.
 */
export function baseUrl(environment: Environment, name: string, fallback?: string): string {
  const text = setting(environment, name) ?? fallback;
  if (text === undefined) throw new UsageError(`Where the server is has to be said: give --base-url, or set ${name}.`);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new UsageError(`${name} (--base-url) must be a URL that begins with http:// or https://.`);
  if (url.username !== '' || url.password !== '')
    throw new UsageError(`${name} (--base-url) can't hold a user or password: keys have variables of their own.`);
  return text.replace(/\/+$/, '');
}

/** `Authorization: Bearer …`, where there is a key. It is looked for when the first request is made. */
export function bearer(key: () => string | undefined): () => Promise<Readonly<Record<string, string>>> {
  // A promise, so that a key that is missing rejects it.
  return async () => {
    const found = await Promise.resolve(key());
    return found === undefined ? {} : { authorization: `Bearer ${found}` };
  };
}
