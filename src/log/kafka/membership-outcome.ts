/**
 * What a coordinator says to a member that is no fault: answers, not errors, so that nobody on the way retries them.
 * `rebalance`: join again. `unknown`: thrown out, the member id is no longer known. `outdated`: thrown out, but the id is
 * still known; joining under a new one would leave this one behind as a member that does nothing.
 */
export type Outcome<Answer> = { readonly answer: Answer } | { readonly told: 'rebalance' | 'unknown' | 'outdated' };

const TOLD: Readonly<Record<string, 'rebalance' | 'unknown' | 'outdated'>> = {
  REBALANCE_IN_PROGRESS: 'rebalance',
  UNKNOWN_MEMBER_ID: 'unknown',
  FENCED_INSTANCE_ID: 'unknown',
  ILLEGAL_GENERATION: 'outdated',
};

/** Rejects with whatever else the request rejects with. */
export async function outcomeOf<Answer>(request: Promise<Answer>): Promise<Outcome<Answer>> {
  try {
    return { answer: await request };
  } catch (error) {
    const type = error instanceof Error && 'type' in error ? error.type : undefined;
    const told = typeof type === 'string' ? TOLD[type] : undefined;
    if (told === undefined) throw error;
    return { told };
  }
}
