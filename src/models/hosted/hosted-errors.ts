import { asClause, fatalError, PipelineError, UsageError } from '../../errors.ts';
import type { EmbedderUsage } from '../port.ts';
import type { StopCode } from './refusal.ts';

type FailureCode = StopCode | 'HOSTED_UNAVAILABLE' | 'HOSTED_RATE_LIMITED';

const ADVICE: Readonly<Record<FailureCode, string>> = {
  HOSTED_KEY_REFUSED: 'Check the key, and what it may do',
  HOSTED_QUOTA_SPENT: 'Its quota or balance is used up: top it up, or wait until it is renewed',
  HOSTED_REQUEST_REFUSED: "Check the model's name and the address",
  HOSTED_UNAVAILABLE: 'It failed again and again',
  HOSTED_RATE_LIMITED: 'It has taken nothing for 15 minutes: lower --requests-per-minute or --tokens-per-minute',
};

/** What the run ends with; everything that was embedded before is kept. */
export function providerFailed(code: FailureCode, model: string, provider: string, what: string): PipelineError {
  const isPassing = code === 'HOSTED_UNAVAILABLE' || code === 'HOSTED_RATE_LIMITED';
  return new PipelineError(
    code,
    `${provider} did not embed with ${model}: ${asClause(what)}. ${ADVICE[code]}; run the same command again to go on where it stopped.`,
    { retriable: isPassing },
  );
}

export function refusesEverything(model: string, provider: string, what: string): PipelineError {
  return fatalError(
    'HOSTED_REFUSES_EVERYTHING',
    `${provider} refuses what it took before, so it is no record that is at fault (${model}): ${asClause(what)}. ` +
      'Run the same command again once it is well.',
  );
}

export function costLimitReached(model: string, { costUsd }: EmbedderUsage): PipelineError {
  const spent = costUsd === undefined ? '' : ` ($${costUsd.toFixed(4)} so far, without what is under way)`;
  return fatalError(
    'HOSTED_COST_LIMIT',
    `The next request to ${model} could cost more than --max-cost allows${spent}. What was embedded is kept; run the ` +
      'same command again with a new --max-cost to go on.',
  );
}

export function stopped(model: string): PipelineError {
  return fatalError('EMBEDDER_CLOSED', `The model ${model} was closed before it had embedded everything.`);
}

export function keyMissing(provider: string, names: readonly string[]): UsageError {
  return new UsageError(`${provider} needs a key: set ${names.join(' or ')} in the environment.`);
}
