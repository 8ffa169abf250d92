/** The entry point: `node src/cli/main.ts produce …` in a clone, `dist/cli/main.js` behind `bin/embedstream.js`. */
import { endAtOnce } from './end-at-once.ts';
import { thrownFailure } from './failures.ts';
import { keepYoungGenerationSmall } from './heap.ts';
import { runProgram } from './program.ts';

keepYoungGenerationSmall();

// `embedstream search … | head`: whoever reads has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

process.on('uncaughtException', (error) => {
  process.stderr.write(thrownFailure(error, true).text);
  process.exit(1);
});

process.exitCode = await runProgram({
  argv: process.argv.slice(2),
  environment: process.env,
  folder: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  invocation: import.meta.url.endsWith('.ts') ? 'npm-run' : 'npx',
  stop: { signals: process, endAtOnce, nowMs: () => performance.now() },
});
