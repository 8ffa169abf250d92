const VARIABLE = 'MALLOC_ARENA_MAX';
/** One for the main thread, one that the other threads share. */
const ARENAS = '2';

/**
 * Starts the program anew, in the same process, with two malloc arenas in place of one a thread. Buffers travel between
 * the threads of the log, the models and the sinks; glibc gives each back to the arena it came from, where it stays:
 * 475 MB instead of 520 to 565 for `embed` of 1,000,000 rows (bench/pipeline/README.md). glibc reads the variable only when a
 * process starts, hence execve(2), which keeps the process id, the streams and the flags of Node. 25 ms.
 */
export function limitMallocArenas(): void {
  const isWanted = process.platform === 'linux' && process.env[VARIABLE] === undefined && process.channel === undefined;
  // A profiler writes what it has when the process ends, and this one would end here.
  const isProfiled = process.execArgv.some((flag) => /^--(?:cpu-prof|heap-prof|inspect)/.test(flag));
  if (!isWanted || isProfiled) return;
  process.execve?.(process.execPath, [process.execPath, ...process.execArgv, ...process.argv.slice(1)], {
    ...process.env,
    [VARIABLE]: ARENAS,
  });
}
