import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { describeCommand, withBody } from '../../src/cli/command.ts';
import type { Command, CommandBody } from '../../src/cli/command.ts';
import { defineFlags } from '../../src/cli/flags.ts';
import { runProgram } from '../../src/cli/program.ts';
import { fatalError, UsageError } from '../../src/errors.ts';

const flags = defineFlags({ size: { type: 'number', description: 'How large', default: 1 } });
const command = (run: CommandBody<typeof flags>, name = 'make'): Command =>
  withBody(
    describeCommand({
      name,
      summary: 'makes things',
      examples: [{ arguments: '--size=2', does: 'makes a large one' }],
      flags,
    }),
    () => Promise.resolve({ run }),
  );
const done = command(() => Promise.resolve(0));

async function run(argv: string[], commands: Command[] = [done], environment: Record<string, string> = { CI: '1' }) {
  let stdout = '';
  let stderr = '';
  const signals = new EventEmitter();
  const exitCode = await runProgram({
    argv,
    environment,
    folder: '/nonexistent',
    stdout: { write: (text: string) => (stdout += text) },
    stderr: { write: (text: string) => (stderr += text), columns: 100 },
    invocation: 'npx',
    stop: { signals, endAtOnce: () => undefined, nowMs: () => 0 },
    commands,
  });
  return { exitCode, stdout, stderr, signals };
}

describe('help and version', () => {
  it('shows all commands', async () => {
    const { exitCode, stdout } = await run(['--help']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('make  makes things');
    expect(stdout).toContain('--data-dir=FOLDER');
  });

  it.each([[['make', '--help']], [['--help', 'make']], [['help', 'make']], [['make', '-h', '--unknown']]])(
    'shows one command for %j, without loading it',
    async (argv) => {
      const lazy: Command = { ...done, load: () => Promise.reject(new Error('loaded')) };
      const { exitCode, stdout } = await run(argv, [lazy]);
      expect(exitCode).toBe(0);
      expect(stdout).toContain('npx embedstream make --size=2');
      expect(stdout).toContain('How large (default 1)');
    },
  );

  it('shows the version', async () => {
    expect((await run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('without a command shows help on stderr and exits 2', async () => {
    const { exitCode, stdout, stderr } = await run([]);
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toContain('Usage:');
  });
});

describe('wrong usage', () => {
  it('suggests the nearest command', async () => {
    const { exitCode, stderr } = await run(['mkae']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('error: mkae is not a command; did you mean make?');
  });

  it('lists several faults, and where to look', async () => {
    const { exitCode, stderr } = await run(['make', '--sizes=3', '--data-dri=x']);
    expect(exitCode).toBe(2);
    expect(stderr).toBe(
      'error: 2 things are wrong:\n  - --sizes is not a flag; did you mean --size?\n' +
        '  - --data-dri is not a flag; did you mean --data-dir?\nSee npx embedstream make --help\n',
    );
  });

  it('is one JSON object on stdout with --json', async () => {
    const { exitCode, stdout, stderr } = await run(['make', '--json', '--size=big']);
    expect([exitCode, stderr]).toEqual([2, '']);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'USAGE', faults: [{ where: '--size' }] } });
  });
});

describe('running', () => {
  it('hands over checked options and passes the exit code on', async () => {
    const seen: unknown[] = [];
    const { exitCode } = await run(
      ['make', '--size=4', '--namespace=other'],
      [
        command(({ options, output }) => {
          seen.push(options.size, options.namespace, output.isJson);
          return Promise.resolve(1);
        }),
      ],
    );
    expect(exitCode).toBe(1);
    expect(seen).toEqual([4, 'other', false]);
  });

  it('finds the command behind flags and values', async () => {
    const { exitCode } = await run(['--data-dir', 'make', 'make']);
    expect(exitCode).toBe(0);
  });

  it.each([
    [['make'], 'for people\n'],
    [['make', '--json'], '{"big":"1","map":{"a":1}}\n'],
  ])('prints the result of %j', async (argv, expected) => {
    const { stdout } = await run(argv, [
      command(({ output }) => {
        output.result({ big: 1n, map: new Map([['a', 1]]) }, () => 'for people');
        return Promise.resolve(0);
      }),
    ]);
    expect(stdout).toBe(expected);
  });

  it('prints a pipeline error without a stack, and with it at debug', async () => {
    const broken = command(() => Promise.reject(fatalError('DISK', 'no room on /x', new Error('ENOSPC'))));
    expect(await run(['make'], [broken])).toMatchObject({ exitCode: 1, stderr: 'error: no room on /x\n' });
    const { stderr } = await run(['make', '--log-level=debug'], [broken]);
    expect(stderr).toContain('caused by: Error: ENOSPC');
    expect(stderr).toContain('--size is 1, from default');
    const json = await run(['make', '--json'], [broken]);
    expect([json.stderr, JSON.parse(json.stdout)]).toEqual(['', { error: { code: 'DISK', message: 'no room on /x' } }]);
  });

  it('exits 2 for a usage error of the body', async () => {
    const { exitCode } = await run(['make'], [command(() => Promise.reject(new UsageError('no column "x"')))]);
    expect(exitCode).toBe(2);
  });

  it('shows the stack of a bug and where to report it', async () => {
    const { exitCode, stderr } = await run(['make'], [command(() => Promise.reject(new TypeError('x is undefined')))]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('program.test.ts');
    expect(stderr).toContain('report it');
  });

  it.each([
    ['returns', [], () => Promise.resolve(0 as const), ''],
    ['hands on the abort', [], (signal: AbortSignal) => Promise.reject(signal.reason as Error), ''],
    ['has no result', ['--json'], (signal: AbortSignal) => Promise.reject(signal.reason as Error), 'STOPPED'],
  ])('exits 130 when the body %s after a stop', async (_, more, ending, code) => {
    const signals = new EventEmitter();
    let stderr = '';
    let stdout = '';
    const exitCode = await runProgram({
      argv: ['make', ...more],
      environment: { CI: '1' },
      folder: '/nonexistent',
      stdout: { write: (text: string) => (stdout += text) },
      stderr: { write: (text: string) => (stderr += text) },
      invocation: 'npm-run',
      stop: { signals, endAtOnce: () => undefined, nowMs: () => 0 },
      commands: [
        command(({ signal }) => {
          signals.emit('SIGINT');
          return ending(signal);
        }),
      ],
    });
    expect(exitCode).toBe(130);
    expect(stderr).toMatch(/^stopping: [^\n]+\n$/);
    expect(stdout).toMatch(code === '' ? /^$/ : new RegExp(`^{"error":{"code":"${code}".*}\n$`));
    expect(signals.eventNames()).toEqual([]);
  });

  it('exits 1 when the stop did not end cleanly', async () => {
    const signals = new EventEmitter();
    const exitCode = await runProgram({
      argv: ['make'],
      environment: { CI: '1' },
      folder: '/nonexistent',
      stdout: { write: () => true },
      stderr: { write: () => true },
      invocation: 'npx',
      stop: { signals, endAtOnce: () => undefined, nowMs: () => 0 },
      commands: [
        command(() => {
          signals.emit('SIGTERM');
          return Promise.reject(fatalError('LOG_DISK_FULL', 'no room'));
        }),
      ],
    });
    expect(exitCode).toBe(1);
  });
});
