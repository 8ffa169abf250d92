import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { answers, socketPlaces } from './engine.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'embedstream-engine-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** What an engine does with `GET /_ping`. In a process of its own, since `answers` blocks this one. */
async function withEngine(status: number, body: (socket: string) => void): Promise<void> {
  const socket = join(folder, `${status}.sock`);
  const code = `require('node:http').createServer((request, response) => {
    response.statusCode = request.url === '/_ping' ? ${status} : 404;
    response.end('OK');
  }).listen(process.argv[1], () => console.log('ready'))`;
  const engine = spawn(process.execPath, ['-e', code, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(engine.stdout, 'data');
    body(socket);
  } finally {
    engine.kill();
    await once(engine, 'exit');
  }
}

it('finds an engine that answers, and none where nobody does', async () => {
  await withEngine(200, (socket) => {
    expect(answers(socket)).toBe(true);
  });
  await withEngine(500, (socket) => {
    expect(answers(socket)).toBe(false);
  });
  expect(answers(join(folder, 'absent.sock'))).toBe(false);
});

it('looks only where DOCKER_HOST says, if it says something, and only on this machine', () => {
  expect(socketPlaces({ DOCKER_HOST: 'unix:///run/some.sock' })).toEqual(['/run/some.sock']);
  expect(socketPlaces({ DOCKER_HOST: 'tcp://elsewhere:2375' })).toEqual([]);
  expect(socketPlaces({ XDG_RUNTIME_DIR: '/run/user/7' })).toContain('/run/user/7/docker.sock');
});
