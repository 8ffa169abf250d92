import { setTimeout as delay } from 'node:timers/promises';
import { fatalError, type PipelineError } from '../../errors.ts';
import { backoffDelayMs } from '../../backoff.ts';
import { logClosed } from '../log-errors.ts';
import type { RetriedOperation } from '../observer.ts';
import { toPipelineError, type ErrorContext } from './kafka-errors.ts';

const BACKOFF = { baseMs: 20, capMs: 2_000 };
/** What no waiting mends soon is not worth all of the time that a broker's restart gets. */
const NOT_AUTHORIZED_RETRY_MS = 30_000;
/** What passes sooner is no news: a coordinator that still ends the transaction before, a leader that has just moved. */
const QUIET_MS = 500;
/** Whoever has asked for the end waits for it. */
const STOPPING_RETRY_MS = 5_000;

type ClusterOperation = 'connect' | 'membership' | 'fetch' | 'append' | 'commit' | 'request';

/** How long calls to a cluster are made again. */
export interface Patience {
  /** For the words of errors. */
  readonly context?: ErrorContext;
  /** How long a call is retried while the cluster is away or in change. */
  readonly retryForMs: number;
  /** Once this is aborted, somebody waits for the end: calls are retried for a few seconds only. */
  readonly stop?: AbortSignal | undefined;
  /** Told before each wait, once a call has been failing for half a second. Must not throw. */
  readonly onRetry?: ((retry: RetriedOperation) => void) | undefined;
}

export interface CallOptions {
  /** For `onRetry`. Default `request`. */
  readonly operation?: ClusterOperation;
  /** Ends the waiting: the last error surfaces at once. */
  readonly signal?: AbortSignal | undefined;
  readonly retryForMs?: number;
  /** Errors of the protocol that the caller deals with: they pass at once, as they are. */
  readonly passes?: ReadonlySet<string>;
}

/** Calls again, with back-off and full jitter, while the error is one that may pass and there is patience left. */
export async function retryOnCluster<Result>(
  what: string,
  call: () => Promise<Result>,
  options: Patience & CallOptions & { readonly isClosed: () => boolean },
): Promise<Result> {
  const { signal, retryForMs, context, stop, passes, isClosed, operation = 'request' } = options;
  let failedMs: number | undefined;
  for (let attempt = 0; ; attempt++) {
    // kafkajs would connect again, and nobody would end that connection.
    if (isClosed()) throw logClosed();
    try {
      return await call();
    } catch (cause) {
      if (passes !== undefined && cause instanceof Error && 'type' in cause && passes.has(String(cause.type)))
        throw cause;
      failedMs ??= performance.now();
      const error = toPipelineError(cause, what, context);
      const patienceMs = Math.min(
        retryForMs,
        error.code === 'LOG_NOT_AUTHORIZED' ? NOT_AUTHORIZED_RETRY_MS : Infinity,
        stop?.aborted === true ? STOPPING_RETRY_MS : Infinity,
      );
      const waitMs = backoffDelayMs(attempt, Math.random(), BACKOFF);
      const elapsedMs = performance.now() - failedMs;
      if (!error.retriable || isClosed() || signal?.aborted === true) throw error;
      if (elapsedMs + waitMs > patienceMs) throw givenUp(error, elapsedMs);
      if (elapsedMs >= QUIET_MS) options.onRetry?.({ operation, attempt: attempt + 1, waitMs, error });
      await delay(waitMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
    }
  }
}

/** The same error, but not to be retried by a caller, who would multiply the waiting. */
function givenUp(error: PipelineError, elapsedMs: number): PipelineError {
  const seconds = Math.round(elapsedMs / 1000);
  return fatalError(error.code, `${error.message} Given up after trying for ${seconds} s.`, error);
}
