import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/**
 * The protocol of a contestant: prints `{"ready":true}` once loaded; then, for each line that names a file of texts
 * (JSON array), embeds them all and prints `{"seconds":…,"cpuSeconds":…}`; ends with its input. The Python ones speak it too.
 */
export async function serveContestant(embedAll: (texts: readonly string[]) => Promise<unknown>): Promise<void> {
  console.log(JSON.stringify({ ready: true }));
  for await (const path of createInterface({ input: process.stdin })) {
    const texts = JSON.parse(readFileSync(path, 'utf8')) as string[];
    const [start, used] = [performance.now(), process.cpuUsage()];
    await embedAll(texts);
    const seconds = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(used);
    console.log(JSON.stringify({ seconds, cpuSeconds: (user + system) / 1e6 }));
  }
}
