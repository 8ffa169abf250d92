import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { freePorts } from './ports.ts';
import { endServer, logFileOf, runningPid, spawnServer } from './server-process.ts';
import type { Service, Way } from './service.ts';
import { missingService, startIn } from './start.ts';

const FIXTURE = join(import.meta.dirname, 'sleeper-fixture.ts');
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'embedstream-start-'));
});
afterEach(async () => {
  await endServer(join(root, 'echo'), 'SIGKILL');
  rmSync(root, { recursive: true });
  vi.unstubAllEnvs();
});

function way(name: string, parts: Partial<Way<number>> = {}): Way<number> {
  return {
    name,
    keepsData: true,
    missing: () => undefined,
    fetch: () => Promise.resolve(),
    async launch(folder) {
      const ports = await freePorts(1);
      const [port = 0] = ports;
      const server = spawnServer({ folder, command: process.execPath, args: [FIXTURE, folder, String(port)] });
      return { address: port, ports, process: server, logFile: logFileOf(folder) };
    },
    ...parts,
  };
}

function service(...ways: Way<number>[]): Service<number> {
  return {
    name: 'echo',
    variable: 'ECHO_PORT',
    usualPorts: [],
    ways,
    exported: (port) => `ECHO_PORT=${port}`,
    fromEnvironment: Number,
    async ask(port) {
      await fetch(`http://127.0.0.1:${port}/`);
    },
  };
}

it('resolves when a request succeeds, and starts nothing a second time', async () => {
  const echo = service(way('first'));
  const port = await startIn(echo, root);
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('ok');
  const pid = runningPid(join(root, 'echo'));
  expect(await startIn(echo, root)).toBe(port);
  expect(runningPid(join(root, 'echo'))).toBe(pid);
});

it('starts it again when it has died', async () => {
  const echo = service(way('first'));
  await startIn(echo, root);
  await endServer(join(root, 'echo'), 'SIGKILL');
  const port = await startIn(echo, root);
  expect((await fetch(`http://127.0.0.1:${port}/`)).ok).toBe(true);
});

it('takes the next way when one fails, and shows the end of its log', async () => {
  const warn = vi.spyOn(console, 'warn').mockReturnValue();
  const dies = way('dies', {
    launch: (folder) => {
      const args = ['-e', 'console.log("no disk"); process.exit(3)', folder];
      const server = spawnServer({ folder, command: process.execPath, args });
      return Promise.resolve({ address: 1, ports: [1], process: server, logFile: logFileOf(folder) });
    },
  });
  const port = await startIn(service(dies, way('second')), root);
  expect(warn.mock.calls.join()).toMatch(/dies[^]*echo ended[^]*no disk/);
  expect((await fetch(`http://127.0.0.1:${port}/`)).ok).toBe(true);
  await endServer(join(root, 'echo'), 'SIGKILL');
  await expect(startIn(service(dies), root)).rejects.toThrow('no disk');
  warn.mockRestore();
});

it('names what is missing for each way, and nothing where the environment has an address', () => {
  const echo = service(way('container', { missing: () => 'no engine' }), way('JVM', { missing: () => 'no Java' }));
  vi.stubEnv('ECHO_PORT', '');
  expect(missingService(echo)).toBe('echo (ECHO_PORT is not set; container: no engine; JVM: no Java)');
  vi.stubEnv('ECHO_PORT', '7');
  expect(missingService(echo)).toBeUndefined();
});
