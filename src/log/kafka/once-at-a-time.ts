/** Who calls while a call is under way gets its outcome. */
export function onceAtATime<Result>(call: () => Promise<Result>): () => Promise<Result> {
  let current: Promise<Result> | undefined;
  return () =>
    (current ??= call().finally(() => {
      current = undefined;
    }));
}
