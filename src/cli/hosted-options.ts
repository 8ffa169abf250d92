import type { HostedOptions } from '../models/hosted/hosted-options.ts';
import type { hostedFlags, serverFlags } from './definitions/hosted.ts';
import type { OptionsOf } from './flags.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const SERVER_VARIABLES = ['OPENAI_COMPATIBLE_BASE_URL', 'TEI_BASE_URL', 'INFINITY_BASE_URL', 'OLLAMA_BASE_URL'];

/** Keys, addresses and proxies; `--base-url` is the address of any server of one's own. */
export function modelEnvironment(
  { baseUrl }: OptionsOf<typeof serverFlags>,
  environment: Environment = process.env,
): Environment {
  if (baseUrl === undefined) return environment;
  return { ...environment, ...Object.fromEntries(SERVER_VARIABLES.map((name) => [name, baseUrl])) };
}

export function hostedOptions(options: OptionsOf<typeof hostedFlags>): HostedOptions {
  const { requestsPerMinute, tokensPerMinute, requestInputs, concurrency, maxCost, pricePerMillionTokens } = options;
  return {
    ...{ requestsPerMinute, tokensPerMinute, requestInputs, concurrency },
    maxCostUsd: maxCost,
    usdPerMillionTokens: pricePerMillionTokens,
  };
}
