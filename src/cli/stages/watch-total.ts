import { lagOf } from '../../operations/group-progress.ts';
import type { Workspace } from '../wiring.ts';

const WATCH_MS = 1_000;

/** Keeps a stage's total at what was done plus what is left on the log, which may still grow. */
export function watchTotal(
  { log }: Workspace,
  group: string,
  topic: string,
  done: () => number,
  stage: { setTotal(total: number): void },
): () => void {
  const watch = async (): Promise<void> => {
    const left = await lagOf(log, group, topic);
    stage.setTotal(done() + left);
  };
  // Progress is for the eye: a log that fails here fails the run where it matters.
  const tick = (): void => {
    watch().catch(() => undefined);
  };
  tick();
  const timer = setInterval(tick, WATCH_MS);
  return () => {
    clearInterval(timer);
  };
}
