import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const ANSWER_WITHIN_MS = 3000;
const PING = `
  require('node:http')
    .get({ socketPath: process.argv[1], path: '/_ping' }, (response) => process.exit(response.statusCode === 200 ? 0 : 1))
    .on('error', () => process.exit(1));
`;

let found: string | null | undefined;

/** The Unix socket of a Docker engine (or one that speaks like it) that answers; undefined where none does. */
export function engineSocket(): string | undefined {
  // Once a process: the answer costs up to 3 s where an engine hangs.
  found ??= socketPlaces().find(answers) ?? null;
  return found ?? undefined;
}

/** Where testcontainers looks too. Engines elsewhere (tcp://) are left alone: their ports are not on 127.0.0.1. */
export function socketPlaces(env: NodeJS.ProcessEnv = process.env): string[] {
  const named = env['DOCKER_HOST'];
  if (named !== undefined && named !== '') return named.startsWith('unix://') ? [named.slice('unix://'.length)] : [];
  const runtime = env['XDG_RUNTIME_DIR'];
  return [
    '/var/run/docker.sock',
    ...(runtime === undefined ? [] : [join(runtime, 'docker.sock')]),
    join(homedir(), '.docker/run/docker.sock'),
  ];
}

export function answers(socket: string): boolean {
  if (!existsSync(socket)) return false;
  return spawnSync(process.execPath, ['-e', PING, socket], { timeout: ANSWER_WITHIN_MS }).status === 0;
}
