import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../log/port.ts';
import { progressOf } from './group-progress.ts';

const LOOK_MS = 500;

/**
 * True as soon as a group has done all that is on these topics now; false when the signal is aborted before. Rejects with
 * what the log rejects with.
 */
export async function caughtUp(
  { log, group, topics }: { readonly log: Log; readonly group: string; readonly topics: readonly string[] },
  signal: AbortSignal,
): Promise<boolean> {
  const ends = (await log.topics()).filter(({ name }) => topics.includes(name));
  while (!signal.aborted) {
    const info = (await log.groups()).find((each) => each.group === group);
    if (ends.every((topic) => progressOf(info, topic).every(({ lag }) => lag === 0))) return true;
    await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
  return false;
}
