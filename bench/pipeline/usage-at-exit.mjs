// Preloaded into a measured command: writes what the process used, all threads together, when it exits.
import { readFileSync, writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const path = process.env['BENCH_USAGE_FILE'];
if (isMainThread && path !== undefined) {
  process.on('exit', () => {
    const { user, system } = process.cpuUsage();
    writeFileSync(path, JSON.stringify({ cpuSeconds: (user + system) / 1e6, peakMemoryBytes: peakMemoryBytes() }));
  });
}

/** `maxRSS` begins with what the parent had at the fork, so the kernel's own mark of this image comes first. */
function peakMemoryBytes() {
  try {
    const kibibytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (kibibytes !== undefined) return Number(kibibytes) * 1024;
  } catch {
    // No /proc on this system.
  }
  return process.resourceUsage().maxRSS * 1024;
}
