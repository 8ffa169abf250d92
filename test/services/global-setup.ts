import { closeRun, openRun } from './run-folder.ts';

/** Only a folder: a server starts when the first test asks for it, and ends with the run. */
export default function setup(): () => Promise<void> {
  const folder = openRun();
  return () => closeRun(folder);
}
