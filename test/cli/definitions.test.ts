import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseArguments } from '../../src/cli/arguments.ts';
import { resolveConfig } from '../../src/cli/config.ts';
import { commands } from '../../src/cli/definitions/index.ts';
import { globalFlags } from '../../src/cli/definitions/global.ts';
import { kebabCase, takesValue } from '../../src/cli/flags.ts';
import type { Flags, FlagSpec } from '../../src/cli/flags.ts';
import { commandHelp } from '../../src/cli/help.ts';
import { checkValue } from '../../src/cli/values.ts';
import { packageJson } from '../deployment/files.ts';

/** Room for machines that are slow or shared: processor time grows there, too, a few times at most. */
const MOST_CPU_MS = 1000;
const mainPath = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

describe('the commands', () => {
  it('say in a clone where the flags of every command are, by a script that there is', () => {
    const [command] = commands;
    if (command === undefined) throw new Error('no command');
    expect(commandHelp(command, globalFlags, 'npm-run', 100)).toContain('see npm run embedstream -- --help');
    expect(packageJson.scripts['embedstream']).toMatch(/ src\/cli\/main\.ts$/);
  });

  it('agree on which flags take a value: the command is found by skipping values', () => {
    const kinds = new Map<string, boolean>();
    for (const flags of [globalFlags, ...commands.map((command): Flags => command.flags)]) {
      for (const [key, spec] of Object.entries<FlagSpec>(flags)) {
        expect(kinds.get(key) ?? takesValue(spec), key).toBe(takesValue(spec));
        kinds.set(key, takesValue(spec));
      }
    }
  });

  it.each(commands.map((command) => [command.name, command] as const))('%s redefines no global flag', (_, command) => {
    expect(Object.keys(command.flags).filter((key) => key in globalFlags)).toEqual([]);
  });

  it.each(commands.flatMap((command) => command.examples.map((example) => [command, example.arguments] as const)))(
    '$name: the example "%s" is right',
    (command, text) => {
      const argv = Array.from(text.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g), ([word]) => word.replace(/["']/g, ''));
      const parsed = parseArguments(argv, { ...globalFlags, ...command.flags });
      const resolved = resolveConfig(command, commands, globalFlags, {
        parsed,
        environment: {},
        folder: '/nonexistent',
      });
      expect(resolved.faults).toEqual([]);
    },
  );

  it('have flags whose names survive the way to the command line', () => {
    expect(kebabCase('batchTokens')).toBe('batch-tokens');
  });

  it.each([
    ['process', 'model'],
    ['sink', 'model'],
    ['embed', 'source'],
    ['embed', 'sink'],
  ])('%s --%s= of an unset variable is refused, not done with nothing', (name, flag) => {
    const spec = commands.find((command) => command.name === name)?.flags[flag];
    if (spec === undefined) throw new Error('no such flag');
    expect(checkValue(spec, [])).toEqual({ problems: ['must name at least one (it is [])'] });
  });
});

/** Writes the microseconds of processor time that the process has used, all its threads together, to descriptor 3. */
const TELL_CPU_TIME = `
  import { writeSync } from 'node:fs';
  process.on('exit', () => {
    const { user, system } = process.cpuUsage();
    writeSync(3, String(user + system));
  });
`;

describe('--help from a shell', () => {
  it.each([['--help'], ...commands.map(({ name }) => [name, '--help'])])('%s %s ends well, and quickly', (...argv) => {
    const preload = `--import=data:text/javascript,${encodeURIComponent(TELL_CPU_TIME)}`;
    const { status, stdout, stderr, output } = spawnSync(process.execPath, [preload, mainPath, ...argv], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('Usage: npm run');
    // 300 ms is the promise, by the clock of an idle machine, where this is 150.
    const cpuMs = Number(output[3]) / 1000;
    expect(cpuMs).toBeGreaterThan(0);
    expect(cpuMs).toBeLessThan(MOST_CPU_MS);
  });
});
