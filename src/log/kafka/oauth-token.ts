import { fatalError, messageOf, PipelineError } from '../../errors.ts';
import type { TokenProvider } from './oauth-bearer.ts';
import { isCertificateFault } from './tls-faults.ts';

/** A client of an OAuth 2 authorization server. */
export interface OAuthClient {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope?: string;
}

interface Token {
  readonly text: string;
  /** Milliseconds on the clock after which a new one is fetched. */
  readonly staleAtMs: number;
}

const REQUEST_TIMEOUT_MS = 10_000;
/** A token is used for this part of its life, as by Java's clients (`sasl.login.refresh.window.factor`). */
const USED_LIFETIME = 0.8;

/**
 * Tokens by the client credentials grant (RFC 6749, 4.4), one for all connections until it is nearly over.
 * Rejects with LOG_NOT_AUTHENTICATED (the client is refused, the answer is no token), LOG_TLS_FAILED, or LOG_BUSY
 * (retriable: the server can't be reached or is overloaded).
 *
 * @param nowMs a clock in milliseconds that never goes back.
 */
export function oauthTokenProvider(client: OAuthClient, nowMs: () => number = () => performance.now()): TokenProvider {
  let token: Token | undefined;
  let pending: Promise<Token> | undefined;
  return async () => {
    if (token !== undefined && nowMs() < token.staleAtMs) return token.text;
    pending ??= fetchToken(client, nowMs).finally(() => (pending = undefined));
    token = await pending;
    return token.text;
  };
}

async function fetchToken(client: OAuthClient, nowMs: () => number): Promise<Token> {
  const askedAtMs = nowMs();
  const response = await request(client);
  if (!response.ok) throw await refusal(client, response);
  const answer: unknown = await response.json().catch(() => undefined);
  const text = fieldOf(answer, 'access_token');
  if (typeof text !== 'string' || !/^[\x21-\x7e]+$/.test(text)) {
    throw fatalError(
      'LOG_NOT_AUTHENTICATED',
      `${serverName(client)} answered without an access_token. Check that KAFKA_OAUTH_TOKEN_URL is the token endpoint.`,
    );
  }
  const lifetimeMs = Number(fieldOf(answer, 'expires_in')) * 1_000;
  // Without a lifetime it is used for the connection at hand only.
  return { text, staleAtMs: lifetimeMs > 0 ? askedAtMs + lifetimeMs * USED_LIFETIME : askedAtMs };
}

async function request(client: OAuthClient): Promise<Response> {
  const { url, clientId, clientSecret, scope } = client;
  const credentials = Buffer.from(`${formEncoded(clientId)}:${formEncoded(clientSecret)}`).toString('base64');
  try {
    return await fetch(url, {
      method: 'POST',
      headers: { authorization: `Basic ${credentials}`, accept: 'application/json' },
      body: new URLSearchParams({ grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) }),
      // The secret goes to this address and to no other.
      redirect: 'error',
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    const reason = messageOf(cause);
    if (isCertificateFault(cause)) {
      const mend = 'Give the authority of its certificate in NODE_EXTRA_CA_CERTS.';
      throw fatalError('LOG_TLS_FAILED', `${serverName(client)} can't be trusted (${reason}). ${mend}`, error);
    }
    const message = `${serverName(client)} can't be reached (${reason}). Check KAFKA_OAUTH_TOKEN_URL and the network.`;
    throw new PipelineError('LOG_BUSY', message, { retriable: true, cause: error });
  }
}

async function refusal(client: OAuthClient, response: Response): Promise<PipelineError> {
  const { status } = response;
  const reason = fieldOf(await response.json().catch(() => undefined), 'error');
  // Of the answer only the registered error codes: everything else may repeat what was sent.
  const isCode = typeof reason === 'string' && /^[a-z_]{1,40}$/.test(reason);
  const said = `${serverName(client)} answered ${status}${isCode ? ` (${reason})` : ''}`;
  if (status === 429 || status >= 500) return new PipelineError('LOG_BUSY', `${said}.`, { retriable: true });
  return fatalError(
    'LOG_NOT_AUTHENTICATED',
    `${said} to client "${client.clientId}". Check KAFKA_OAUTH_CLIENT_ID, KAFKA_OAUTH_CLIENT_SECRET and KAFKA_OAUTH_SCOPE` +
      `${status === 404 || status === 405 ? ', and that KAFKA_OAUTH_TOKEN_URL is the token endpoint' : ''}.`,
  );
}

/** Host and port only: a path or query may hold what is nobody's business. */
function serverName({ url }: OAuthClient): string {
  return `The token server ${new URL(url).host}`;
}

/** As RFC 6749, 2.3.1 has the two parts of the credentials. */
function formEncoded(text: string): string {
  return new URLSearchParams({ v: text }).toString().slice(2);
}

function fieldOf(json: unknown, name: string): unknown {
  return typeof json === 'object' && json !== null ? (json as Record<string, unknown>)[name] : undefined;
}
