/** owner-fixture.ts PORT: opens a run of its own, starts a server in it, prints the run's folder, and stays. */
import { join } from 'node:path';
import { watchedRunFolder } from './run-folder.ts';
import { spawnServer } from './server-process.ts';

delete process.env['EMBEDSTREAM_TEST_RUN'];
const run = await watchedRunFolder();
const folder = join(run, 'sleeper');
const args = [join(import.meta.dirname, 'sleeper-fixture.ts'), folder, process.argv[2] ?? ''];
spawnServer({ folder, command: process.execPath, args });
console.log(run);
setInterval(() => undefined, 60_000);
