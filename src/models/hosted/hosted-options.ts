import type { Environment } from './environment.ts';
import type { Timeouts } from './http-connection.ts';
import type { Timing } from './timing.ts';

/** What a user may say about requests to a provider. */
export interface HostedOptions {
  readonly requestsPerMinute?: number | undefined;
  readonly tokensPerMinute?: number | undefined;
  /** Most requests at a time. */
  readonly concurrency?: number | undefined;
  /** Most inputs in one request. */
  readonly requestInputs?: number | undefined;
  /** US dollars that this run may cost. */
  readonly maxCostUsd?: number | undefined;
  /** In place of the price that the catalogue has, or has not. */
  readonly usdPerMillionTokens?: number | undefined;
  /** Once it aborts, nothing more is sent: what was not sent is rejected with its reason. */
  readonly stop?: AbortSignal | undefined;
  /** Told why a request is made again. */
  readonly onRetry?: ((what: string) => void) | undefined;
}

export interface CreateHostedOptions extends HostedOptions {
  /** Keys, addresses and proxies come from here. */
  readonly environment: Environment;
  readonly timing?: Timing;
  readonly timeouts?: Timeouts;
}
