import type { Environment } from '../environment.ts';

/** What makes a provider of a model. */
export interface ProviderOptions {
  /** The API's name for it. */
  readonly model: string;
  readonly dimension: number;
  /** Set where fewer numbers are asked for than the model has. */
  readonly isShorter?: boolean;
  readonly environment: Environment;
  /** Most inputs in a request, where the user knows better. */
  readonly maxItems?: number | undefined;
}
