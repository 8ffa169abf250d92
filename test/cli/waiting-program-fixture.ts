/** A program with one command that works until it is stopped: `clean` then ends as it should, `stuck` never. */
import { describeCommand, withBody } from '../../src/cli/command.ts';
import { defineFlags } from '../../src/cli/flags.ts';
import { endAtOnce } from '../../src/cli/end-at-once.ts';
import { runProgram } from '../../src/cli/program.ts';

const wait = withBody(
  describeCommand({
    name: 'wait',
    summary: 'waits',
    examples: [],
    flags: defineFlags({ stuck: { type: 'boolean', description: 'd' } }),
  }),
  () =>
    Promise.resolve({
      run: async ({ signal, options }) => {
        const keepAlive = setInterval(() => undefined, 1000);
        process.stdout.write('ready\n');
        await new Promise((resolve) => {
          signal.addEventListener('abort', resolve);
        });
        if (options.stuck) await new Promise(() => undefined);
        clearInterval(keepAlive);
        return 0 as const;
      },
    }),
);

process.exitCode = await runProgram({
  argv: process.argv.slice(2),
  environment: {},
  folder: '/nonexistent',
  stdout: process.stdout,
  stderr: process.stderr,
  invocation: 'npx',
  stop: { signals: process, endAtOnce, nowMs: () => performance.now() },
  commands: [wait],
});
