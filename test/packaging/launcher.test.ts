import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const repository = new URL('../../', import.meta.url);
/** Makes any Node believe that it is an old one. */
const PRETEND_OLD = `data:text/javascript,${encodeURIComponent(
  "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } });",
)}`;

/** Stands in for dist/cli/main.js and does as it is told. */
const FAKE_MAIN = `
import 'node:sqlite';
const [what] = process.argv.slice(2);
if (what === 'exit') process.exitCode = 3;
if (what === 'where') console.log(process.versions.node);
if (what === 'warn') process.emitWarning('look out');
if (what === 'die' || what === 'count') {
  if (what === 'count') process.on('SIGINT', () => process.exit(7));
  if (what === 'count') process.on('SIGHUP', () => process.exit(8));
  setInterval(() => undefined, 1000);
  console.log('ready');
}
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'embedstream-launcher-'));
  for (const name of ['with', 'without']) {
    const root = join(folder, name);
    mkdirSync(join(root, 'dist/cli'), { recursive: true });
    mkdirSync(join(root, 'node_modules'));
    cpSync(new URL('bin', repository), join(root, 'bin'), { recursive: true });
    writeFileSync(join(root, 'package.json'), '{"type":"module"}');
    writeFileSync(join(root, 'dist/cli/main.js'), FAKE_MAIN);
  }
  symlinkSync(new URL('node_modules/node', repository), join(folder, 'with/node_modules/node'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function launch(root: 'with' | 'without', argument: string, pretendOld: boolean): ChildProcess {
  const flags = pretendOld ? ['--import', PRETEND_OLD] : [];
  return spawn(process.execPath, [...flags, join(folder, root, 'bin/embedstream.js'), argument], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] },
  });
}

async function ended(child: ChildProcess) {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { code, signal, stdout, stderr };
}

describe.each([
  ['on a Node that is new enough', false],
  ['on an old Node, through the one that comes along', true],
])('%s', (_, pretendOld) => {
  it('passes the exit code on', async () => {
    expect(await ended(launch('with', 'exit', pretendOld))).toEqual({ code: 3, signal: null, stdout: '', stderr: '' });
  });

  it('runs on Node 24 or newer, with no warning of node:sqlite', async () => {
    const { stdout, stderr } = await ended(launch('with', 'where', pretendOld));
    expect(Number.parseInt(stdout, 10)).toBeGreaterThanOrEqual(24);
    expect(stderr).toBe('');
  });

  it('still shows other warnings', async () => {
    expect((await ended(launch('with', 'warn', pretendOld))).stderr).toContain('look out');
  });

  it.each([
    ['SIGINT', 7],
    ['SIGHUP', 8],
  ] as const)('forwards %s', async (signal, code) => {
    const child = launch('with', 'count', pretendOld);
    await once(child.stdout!, 'data');
    child.kill(signal);
    expect(await ended(child)).toMatchObject({ code, signal: null });
  });

  it('dies of the signal that the program died of', async () => {
    const child = launch('with', 'die', pretendOld);
    await once(child.stdout!, 'data');
    child.kill('SIGTERM');
    expect(await ended(child)).toMatchObject({ code: null, signal: 'SIGTERM' });
  });
});

it('says what to do when there is no Node that is new enough', async () => {
  const { code, stderr } = await ended(launch('without', 'where', true));
  expect(code).toBe(1);
  expect(stderr).toContain('needs Node 24');
  expect(stderr).toContain('npm rebuild node');
  expect(stderr).not.toContain('    at ');
});

it('says what to do in a clone that is not built', async () => {
  rmSync(join(folder, 'without/dist'), { recursive: true });
  const { code, stdout, stderr } = await ended(launch('without', 'where', false));
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^error: embedstream is not built here\. .*npm run build\n$/);
});
