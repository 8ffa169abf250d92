import type { MachineLimits } from './machine-limits.ts';

/** A worker thread's own heap, its tokenizer, and the activations of its batches. */
const WORKER_BYTES = 128 * 1024 * 1024;
/** The runtime lays weights out anew for its kernels while the file's are still there. */
const WEIGHTS_FACTOR = 2;
/** The rest is for the log, the sinks and everybody else. */
const SHARE = 0.5;

export interface WorkerPlan {
  /** Worker threads, a session each. */
  readonly workers: number;
  /** Threads of each session, the worker's own included. */
  readonly threads: number;
}

export interface WorkerWishes {
  readonly workers?: number | undefined;
  readonly threads?: number | undefined;
  /** Models that share the machine. Default 1. */
  readonly models?: number | undefined;
  /** The session runs on another device: more of them would only wait for it. */
  readonly isAccelerated?: boolean | undefined;
}

/**
 * What is not asked for is chosen: one thread a session, which uses several cores better than one session with several
 * threads (facts in bench/embedding/README.md), as many sessions as there are cores, and as half of the memory holds.
 *
 * @param weightsBytes of the model's files, which each session holds for itself
 */
export function planWorkers(wishes: WorkerWishes, limits: MachineLimits, weightsBytes: number): WorkerPlan {
  const { models = 1, isAccelerated = false } = wishes;
  const threads = wishes.threads ?? 1;
  const cores = Math.floor(limits.cores / models / threads);
  const fitting = Math.floor((limits.memoryBytes * SHARE) / models / (WORKER_BYTES + WEIGHTS_FACTOR * weightsBytes));
  const workers = wishes.workers ?? Math.max(1, Math.min(isAccelerated ? 1 : cores, fitting));
  return { workers, threads };
}

/** Bytes that the activations of one worker's batch may take: its share of what is planned for workers. */
export function batchBytes({ memoryBytes }: MachineLimits, { workers }: WorkerPlan, models = 1): number {
  return Math.floor((memoryBytes * SHARE) / models / workers / 2);
}
