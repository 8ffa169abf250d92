/** A model that ended before the others of its run did. */
export interface ModelFailure {
  readonly model: string;
  readonly code: string;
  readonly message: string;
}

/** For `--json`: `failed` is there when there is something in it. */
export function withFailures<Json extends object>(json: Json, failed: readonly ModelFailure[]): Json {
  return failed.length === 0 ? json : { ...json, failed };
}

/** For the end of a report: what was said when it happened may have scrolled away. */
export function failureLines(failed: readonly ModelFailure[]): string {
  return failed
    .map(({ model, message }) => `error: process ${model}: ${message}\n`)
    .concat(failed.length === 0 ? [] : ['Run the same command again: each model goes on where it stopped.\n'])
    .join('');
}
