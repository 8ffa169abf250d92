import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';

const MAIN = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));
const MODEL = fileURLToPath(new URL('../../fixtures/tiny-bert', import.meta.url));

it('running a model leaves nothing in the home, temporary and working folders: ONNX Runtime collects nothing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'embedstream-telemetry-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const paths = { home: join(folder, 'home'), temporary: join(folder, 'temporary'), working: join(folder, 'working') };
  for (const path of Object.values(paths)) mkdirSync(path);
  const { PATH = '' } = process.env;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', MAIN, 'models', 'check', MODEL, '--json'],
    { cwd: paths.working, env: { PATH, HOME: paths.home, TMPDIR: paths.temporary, MALLOC_ARENA_MAX: '2' } },
  );
  expect(JSON.parse(stdout)).toHaveProperty('cosine');
  for (const path of Object.values(paths)) expect(readdirSync(path, { recursive: true })).toEqual([]);
});
