/**
 * A thread of a process that reads PDFs: ends the process when it holds more memory than it may, or when the one that
 * started it is gone. The thread that reads can't look after that itself while it is busy.
 */
import { workerData } from 'node:worker_threads';

const LOOK_EVERY_MS = 20;

const { maxRssBytes, parent } = workerData as { readonly maxRssBytes: number; readonly parent: number };

setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
  // A signal of its own, so that the parent can tell it from the system's. Windows knows only this one.
  if (process.memoryUsage.rss() > maxRssBytes)
    process.kill(process.pid, process.platform === 'win32' ? 'SIGKILL' : 'SIGUSR2');
}, LOOK_EVERY_MS);
