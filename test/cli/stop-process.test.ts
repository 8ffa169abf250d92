import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const fixture = fileURLToPath(new URL('./waiting-program-fixture.ts', import.meta.url));

async function start(...argv: string[]) {
  const child = spawn(process.execPath, [fixture, 'wait', ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  await once(child.stdout, 'data');
  return { child, ended };
}

it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('a process that gets %s stops cleanly with 130', async (signal) => {
  const { child, ended } = await start();
  child.kill(signal);
  expect(await ended).toEqual([130, null]);
});

it('a process that does not come to its end is ended by a second Ctrl-C', async () => {
  const { child, ended } = await start('--stuck');
  child.kill('SIGINT');
  await once(child.stderr, 'data');
  // As a person does: again and again until it is gone. The first ones may count as the same keypress.
  const impatience = setInterval(() => child.kill('SIGINT'), 50);
  expect(await ended).toEqual([null, 'SIGINT']);
  clearInterval(impatience);
});
