import { readFile } from 'node:fs/promises';
import type { Transport } from '@elastic/elasticsearch';
import { messageOf, UsageError } from '../../../errors.ts';
import { parseExactly } from '../../../record/exact-json.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Longest wait for one answer: a node under load may take minutes for a bulk request. */
const REQUEST_TIMEOUT_MS = 180_000;

export interface Connection {
  readonly transport: Pick<Transport, 'request'>;
  close(): Promise<void>;
}

/** A connection to `node`, with the credentials of the environment. Nothing is asked yet. */
export async function connect(
  node: string,
  { environment, tlsCa }: { readonly environment: Environment; readonly tlsCa: string | undefined },
): Promise<Connection> {
  const auth = credentials(environment);
  const ca = tlsCa === undefined ? undefined : await readAuthority(tlsCa);
  const { Client, Serializer, errors } = await import('@elastic/elasticsearch');
  /** Documents are read to be written again: their whole numbers must stay what they are. */
  class ExactSerializer extends Serializer {
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the client's own signature
    override deserialize<T>(json: string): T {
      try {
        return parseExactly(json) as T;
      } catch (error) {
        throw new errors.DeserializationError(messageOf(error), json);
      }
    }
  }
  const client = new Client({
    node,
    ...(auth !== undefined && { auth }),
    ...(ca !== undefined && { tls: { ca } }),
    // What is tried again, and when, is decided here and not by the client.
    maxRetries: 0,
    requestTimeout: REQUEST_TIMEOUT_MS,
    Serializer: ExactSerializer,
    enableMetaHeader: false,
    // The client's own ask for the compatibility mode of its major version, which an earlier server does not have.
    headers: { accept: 'application/json', 'content-type': 'application/json' },
  });
  return { transport: client.transport, close: () => client.close() };
}

type Auth = { readonly apiKey: string } | { readonly username: string; readonly password: string };

function credentials(environment: Environment): Auth | undefined {
  const apiKey = valueOf(environment, 'ELASTICSEARCH_API_KEY');
  const username = valueOf(environment, 'ELASTICSEARCH_USERNAME');
  const password = valueOf(environment, 'ELASTICSEARCH_PASSWORD');
  if (apiKey !== undefined) return { apiKey };
  if (username === undefined && password === undefined) return undefined;
  if (username === undefined) throw new UsageError('ELASTICSEARCH_PASSWORD needs its user in ELASTICSEARCH_USERNAME.');
  if (password === undefined)
    throw new UsageError(`ELASTICSEARCH_USERNAME=${username} needs the password in ELASTICSEARCH_PASSWORD.`);
  return { username, password };
}

async function readAuthority(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new UsageError(`--es-tls-ca=${path} can't be read: ${messageOf(error)}.`, { cause: error });
  }
}

/** An empty variable means "not set", as for flags. */
function valueOf(environment: Environment, name: string): string | undefined {
  const value = environment[name];
  return value === '' ? undefined : value;
}
