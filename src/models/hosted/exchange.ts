import { PipelineError } from '../../errors.ts';
import { statedLimits, type StatedLimits } from './limit-headers.ts';
import { NetworkFault, type HttpConnection } from './http-connection.ts';
import { AnswerFault, type HostedProvider } from './provider.ts';
import { readVectors } from './read-vectors.ts';
import { refusalOf, type Refusal } from './refusal.ts';
import type { Batch } from './request-queue.ts';

/** How one request ended. */
export type Exchanged =
  | {
      readonly kind: 'vectors';
      /** (N, D) */
      readonly rows: Float32Array;
      readonly tokens?: number;
      readonly images?: number;
      readonly limits: StatedLimits;
    }
  | (Refusal & { readonly limits: StatedLimits })
  /** A fault of ours: no credentials, or a stop. */
  | { readonly kind: 'error'; readonly error: unknown };

export interface ExchangeContext {
  readonly provider: HostedProvider;
  readonly connection: HttpConnection;
  readonly dimension: number;
  readonly normalise: boolean;
  readonly signal: AbortSignal;
}

const NO_LIMITS: StatedLimits = { requests: {}, tokens: {} };

/** Sends one request and judges what comes back. Never rejects. */
export async function exchange(batch: Batch, context: ExchangeContext): Promise<Exchanged> {
  const { provider, connection, signal } = context;
  const items = batch.inputs.map(({ item }) => item);
  let limits = NO_LIMITS;
  try {
    const headers = await provider.headers(signal);
    const { url, body } = provider.request(items, batch.inputs[0]?.role ?? 'document');
    const answer = await connection.send({ url, headers, body: JSON.stringify(body), signal });
    limits = statedLimits(answer.headers);
    if (answer.status < 200 || answer.status > 299) {
      const refusal = refusalOf(answer, Date.now());
      if (answer.status === 401 && provider.renew?.() === true) return { kind: 'again', what: refusal.what, limits };
      return { ...refusal, what: withoutSecrets(refusal.what, headers), limits };
    }
    const parsed = provider.parse(jsonOf(answer.body), items, answer.headers);
    const { tokens, images } = parsed;
    return {
      kind: 'vectors',
      rows: readVectors(parsed, items.length, context),
      limits,
      ...(tokens !== undefined && { tokens }),
      ...(images !== undefined && { images }),
    };
  } catch (error) {
    if (error instanceof AnswerFault)
      return { kind: 'again', what: `its answer is unusable: ${error.message}`, limits };
    if (error instanceof NetworkFault) return { kind: 'again', what: error.message, limits };
    if (error instanceof PipelineError && error.retriable) return { kind: 'again', what: error.message, limits };
    return { kind: 'error', error };
  }
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new AnswerFault(
      `it is no JSON, ${body.length} characters that begin with ${JSON.stringify(body.slice(0, 60))}`,
    );
  }
}

/** Some answers repeat the key that they refuse. */
function withoutSecrets(text: string, headers: Readonly<Record<string, string>>): string {
  let clean = text;
  for (const value of Object.values(headers)) {
    const secret = value.replace(/^Bearer /, '');
    if (secret.length >= 8) clean = clean.replaceAll(secret, '[redacted]');
  }
  return clean;
}
