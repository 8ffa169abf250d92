/**
 * Runs stages side by side. When one fails, the others get a clean stop, and the failure is what this rejects with
 * once all have ended. `start` gets the signal for stages that stop when asked to, and one that only a failure aborts,
 * for stages that end when those before them have.
 */
export async function runTogether<Result>(
  signal: AbortSignal,
  start: (signal: AbortSignal, failure: AbortSignal) => readonly Promise<Result>[],
): Promise<Result[]> {
  const failed = new AbortController();
  const stages = start(AbortSignal.any([signal, failed.signal]), failed.signal);
  let failure: { readonly error: unknown } | undefined;
  const results = await Promise.all(
    stages.map((stage) =>
      stage.catch((error: unknown) => {
        failure ??= { error };
        failed.abort();
        return undefined;
      }),
    ),
  );
  if (failure !== undefined) throw failure.error;
  return results.filter((result) => result !== undefined);
}
