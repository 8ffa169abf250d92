import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { freePorts, isFree } from './ports.ts';
import { endServer, runningPid, spawnServer } from './server-process.ts';

const FIXTURE = join(import.meta.dirname, 'sleeper-fixture.ts');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'embedstream-process-'));
});
afterEach(async () => {
  await endServer(folder, 'SIGKILL');
  rmSync(folder, { recursive: true });
});

it('ends the process of a folder, and knows when it is gone', async () => {
  const server = spawnServer({ folder, command: process.execPath, args: [FIXTURE, folder] });
  expect(runningPid(folder)).toBe(server.pid);
  expect(await endServer(folder, 'SIGTERM')).toBe(true);
  expect(runningPid(folder)).toBeUndefined();
  expect(await endServer(folder, 'SIGTERM')).toBe(false);
});

it('leaves a process alone that got the id of a server that is gone', () => {
  writeFileSync(join(folder, 'pid'), String(process.pid));
  expect(runningPid(folder)).toBeUndefined();
});

it('ends the servers of a run, and removes its folder, when its owner is killed', async () => {
  const [port = 0] = await freePorts(1);
  const owner = spawn(process.execPath, [join(import.meta.dirname, 'owner-fixture.ts'), String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(owner.stdout, 'data')) as [Buffer];
  const run = line.toString().trim();
  await expect.poll(() => isFree(port), { timeout: 20_000 }).toBe(false);
  owner.kill('SIGKILL');
  await expect.poll(() => existsSync(run), { timeout: 20_000 }).toBe(false);
  await expect.poll(() => isFree(port), { timeout: 20_000 }).toBe(true);
});
