import { createSign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { fatalError, messageOf, PipelineError, UsageError } from '../../errors.ts';
import { setting, type Environment } from './environment.ts';
import { KEY_VARIABLES } from './key-variables.ts';
import { NetworkFault, type HttpConnection, type HttpRequest } from './http-connection.ts';

export interface GoogleCredentials {
  /** Where the credentials name one. */
  readonly projectId?: string | undefined;
  /** An access token that is valid for a while yet. */
  token(signal: AbortSignal): Promise<string>;
  /** Forgets the token; false where there is no other to be had. */
  renew(): boolean;
}

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
/** A token is not used in its last minute. */
const MARGIN_MS = 60_000;

const serviceAccount = z.object({
  type: z.literal('service_account'),
  client_email: z.string(),
  private_key: z.string(),
  private_key_id: z.string().optional(),
  project_id: z.string().optional(),
  token_uri: z.string().default('https://oauth2.googleapis.com/token'),
});
const authorisedUser = z.object({
  type: z.literal('authorized_user'),
  client_id: z.string(),
  client_secret: z.string(),
  refresh_token: z.string(),
  quota_project_id: z.string().optional(),
  token_uri: z.string().default('https://oauth2.googleapis.com/token'),
});
const credentialsFile = z.discriminatedUnion('type', [serviceAccount, authorisedUser]);
type CredentialsFile = z.output<typeof credentialsFile>;

const tokenAnswer = z.object({ access_token: z.string(), expires_in: z.number().default(3600) });

/**
 * As Google's own libraries look for them (Application Default Credentials): an access token in the environment, the
 * file that GOOGLE_APPLICATION_CREDENTIALS names, the one that `gcloud auth application-default login` writes, and
 * on Google's machines the metadata server.
 *
 * @throws UsageError where a file is named and is none.
 */
export function googleCredentials(environment: Environment, connection: HttpConnection): GoogleCredentials {
  const fixed = setting(environment, ...KEY_VARIABLES.vertex);
  if (fixed !== undefined) return { token: () => Promise.resolve(fixed), renew: () => false };
  const file = readCredentials(environment);
  let held: { readonly token: Promise<string>; readonly untilMs: () => number } | undefined;
  let hasHadOne = false;
  const fetchToken = async (signal: AbortSignal, keep: (expiresInS: number) => void): Promise<string> => {
    const answer = await askForToken(connection, tokenRequest(file, environment), signal).catch((error: unknown) => {
      // No metadata server answers: this is no machine of Google's, and waiting brings none.
      const isElsewhere = file === undefined && !hasHadOne && isNetworkFault(error);
      throw isElsewhere ? noCredentials(error) : error;
    });
    hasHadOne = true;
    keep(answer.expires_in);
    return answer.access_token;
  };
  return {
    projectId: file?.type === 'service_account' ? file.project_id : file?.quota_project_id,
    token: (signal) => {
      if (held !== undefined && Date.now() < held.untilMs()) return held.token;
      // Nobody asks a second time while the first is under way.
      let untilMs = Infinity;
      const token = fetchToken(signal, (seconds) => {
        untilMs = Date.now() + seconds * 1000 - MARGIN_MS;
      });
      held = { token, untilMs: () => untilMs };
      token.catch(() => {
        held = undefined;
      });
      return token;
    },
    renew: () => {
      held = undefined;
      return true;
    },
  };
}

function isNetworkFault(error: unknown): boolean {
  return error instanceof PipelineError && error.cause instanceof NetworkFault;
}

function noCredentials(cause: unknown): UsageError {
  return new UsageError(
    'Vertex AI needs credentials, and this machine has none: set VERTEX_ACCESS_TOKEN ("gcloud auth print-access-token" ' +
      'prints one), name a file by GOOGLE_APPLICATION_CREDENTIALS, or run "gcloud auth application-default login".',
    { cause },
  );
}

function readCredentials(environment: Environment): CredentialsFile | undefined {
  const named = setting(environment, 'GOOGLE_APPLICATION_CREDENTIALS');
  const path = named ?? wellKnownFile(environment);
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if (named === undefined) return undefined;
    throw new UsageError(`GOOGLE_APPLICATION_CREDENTIALS names a file that can't be read: ${messageOf(cause)}.`, {
      cause,
    });
  }
  const parsed = credentialsFile.safeParse(jsonOrNothing(text));
  if (parsed.success) return parsed.data;
  throw new UsageError(
    `${path} holds no credentials of a service account or of a user of gcloud; for others, put an access token into ` +
      'VERTEX_ACCESS_TOKEN ("gcloud auth print-access-token" prints one).',
  );
}

function wellKnownFile(environment: Environment): string | undefined {
  const folder = setting(environment, 'CLOUDSDK_CONFIG');
  if (folder !== undefined) return join(folder, 'application_default_credentials.json');
  const home = setting(environment, 'HOME');
  if (home !== undefined) return join(home, '.config', 'gcloud', 'application_default_credentials.json');
  const appData = setting(environment, 'APPDATA');
  return appData === undefined ? undefined : join(appData, 'gcloud', 'application_default_credentials.json');
}

type TokenRequest = Omit<HttpRequest, 'signal'> & { readonly from: string };

function tokenRequest(file: CredentialsFile | undefined, environment: Environment): TokenRequest {
  if (file === undefined) {
    const host = setting(environment, 'GCE_METADATA_HOST') ?? 'metadata.google.internal';
    return {
      url: `http://${host}/computeMetadata/v1/instance/service-accounts/default/token`,
      headers: { 'metadata-flavor': 'Google' },
      from: 'the metadata server (no GOOGLE_APPLICATION_CREDENTIALS, no VERTEX_ACCESS_TOKEN)',
    };
  }
  const grant =
    file.type === 'service_account'
      ? { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: signedAssertion(file) }
      : {
          grant_type: 'refresh_token',
          client_id: file.client_id,
          client_secret: file.client_secret,
          refresh_token: file.refresh_token,
        };
  return { url: file.token_uri, headers: {}, body: JSON.stringify(grant), from: file.token_uri };
}

/** RFC 7523; https://developers.google.com/identity/protocols/oauth2/service-account#jwt-auth */
function signedAssertion(account: z.output<typeof serviceAccount>): string {
  const issuedAt = Math.floor(Date.now() / 1000);
  const { client_email: issuer, private_key_id: keyId, token_uri: audience } = account;
  const head = { alg: 'RS256', typ: 'JWT', ...(keyId !== undefined && { kid: keyId }) };
  const claims = { iss: issuer, scope: SCOPE, aud: audience, iat: issuedAt, exp: issuedAt + 3600 };
  const unsigned = [head, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  try {
    return `${unsigned}.${createSign('RSA-SHA256').update(unsigned).sign(account.private_key, 'base64url')}`;
  } catch (cause) {
    throw new UsageError('The private key of the service account is not usable.', { cause });
  }
}

async function askForToken(
  connection: HttpConnection,
  { from, ...request }: TokenRequest,
  signal: AbortSignal,
): Promise<z.output<typeof tokenAnswer>> {
  const failed = (what: string, retriable: boolean, cause?: unknown): PipelineError =>
    retriable
      ? new PipelineError('HOSTED_KEY_REFUSED', `No access token from ${from}: ${what}.`, { retriable, cause })
      : fatalError('HOSTED_KEY_REFUSED', `No access token from ${from}: ${what}. Check the credentials.`, cause);
  let answer;
  try {
    answer = await connection.send({ ...request, signal });
  } catch (cause) {
    if (cause instanceof NetworkFault) throw failed(cause.message, true, cause);
    throw cause;
  }
  const token = tokenAnswer.safeParse(jsonOrNothing(answer.body));
  if (answer.status === 200 && token.success) return token.data;
  throw failed(`HTTP ${answer.status}`, answer.status >= 500 || answer.status === 429);
}

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
