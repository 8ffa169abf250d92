/**
 * Runs stages side by side. When one fails, the others get a clean stop, and the failure is what this rejects with
 * once all have ended.
 */
export async function runTogether<Result>(
  signal: AbortSignal,
  start: (signal: AbortSignal) => readonly Promise<Result>[],
): Promise<Result[]> {
  const failed = new AbortController();
  const stages = start(AbortSignal.any([signal, failed.signal]));
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
