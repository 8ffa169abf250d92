import { availableParallelism, totalmem } from 'node:os';

/** A session of a small model with its activations and the thread's own heap; measured 150 MB for all-MiniLM-L6-v2. */
const WORKER_BYTES = 256 * 1024 * 1024;
/** The rest is for the log, the sinks and everybody else. */
const SHARE = 0.5;

/** Worker threads for a machine: one a core, as long as half of the memory holds them. */
export function workersFor(cores: number, memoryBytes: number): number {
  return Math.max(1, Math.min(cores, Math.floor((memoryBytes * SHARE) / WORKER_BYTES)));
}

/** The same for this process: its cores, and its container's memory where that is limited. */
export function defaultWorkers(): number {
  const limit = process.constrainedMemory();
  return workersFor(availableParallelism(), limit > 0 ? Math.min(limit, totalmem()) : totalmem());
}
