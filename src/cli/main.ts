/** The entry point: `node src/cli/main.ts produce …` in a clone, `dist/cli/main.js` behind `bin/embedstream.js`. */
import { limitMallocArenas } from './malloc-arenas.ts';

const argv = process.argv.slice(2);
const isQuestion = argv.length === 0 || argv[0] === 'help' || argv.some((word) => /^(?:--help|--version)$/.test(word));
// What follows is loaded once, in the process that does the work.
if (!isQuestion) limitMallocArenas();

const [{ endAtOnce }, { thrownFailure }, { keepYoungGenerationSmall }, { runProgram }] = await Promise.all([
  import('./end-at-once.ts'),
  import('./failures.ts'),
  import('./heap.ts'),
  import('./program.ts'),
]);

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
  argv,
  environment: process.env,
  folder: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  invocation: import.meta.url.endsWith('.ts') ? 'npm-run' : 'npx',
  stop: { signals: process, endAtOnce, nowMs: () => performance.now() },
});
