import { formatCount } from './format.ts';

/** What a model behind an API was asked in this run, and what is billed for it. */
export interface ModelUsage {
  readonly requests: number;
  /** Put off by a rate limit, and made again. */
  readonly rateLimited: number;
  /** Made again since the network or the provider failed. */
  readonly failed: number;
  readonly tokens: number;
  /** Billed apart from tokens. */
  readonly images: number;
  /** Left out where the price is not known. */
  readonly costUsd?: number;
}

/** What is billed, and what came in between. */
export function usageNotes({ requests, rateLimited, failed, tokens, images, costUsd }: ModelUsage): string[] {
  const amounts = [`${formatCount(tokens)} tokens`, ...(images === 0 ? [] : [`${formatCount(images)} images`])];
  const again = [
    ...(rateLimited === 0 ? [] : [`${formatCount(rateLimited)} put off by a rate limit`]),
    ...(failed === 0 ? [] : [`${formatCount(failed)} failed`]),
  ];
  return [
    `billed: ${amounts.join(' and ')} in ${formatCount(requests)} requests, ${formatCost(costUsd)}`,
    ...(again.length === 0 ? [] : [`requests made again: ${again.join(', ')}`]),
  ];
}

export function formatCost(usd: number | undefined): string {
  return usd === undefined ? 'cost not known' : `$${usd.toFixed(usd < 1 ? 4 : 2)}`;
}
