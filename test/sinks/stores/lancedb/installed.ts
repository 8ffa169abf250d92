import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, it } from 'vitest';
import { withLock } from '../../../services/lock.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..', '..', '..', '..');
const EXTENSION = join(ROOT, 'extensions', 'lancedb');
const INSTALL_TIMEOUT_MS = 300_000;

/** Installs the extension once, as a user of a clone does; why it can't be had, otherwise. */
async function installed(): Promise<string | undefined> {
  mkdirSync(join(ROOT, '.cache'), { recursive: true });
  return withLock(join(ROOT, '.cache', 'lancedb.lock'), async () => {
    try {
      createRequire(join(EXTENSION, 'package.json')).resolve('@lancedb/lancedb');
      return undefined;
    } catch {
      // Not yet.
    }
    try {
      await run('npm', ['ci', '--prefix', EXTENSION], { cwd: EXTENSION, timeout: INSTALL_TIMEOUT_MS });
      return undefined;
    } catch (error) {
      return `no LanceDB: npm ci --prefix extensions/lancedb: ${String(error).slice(0, 500)}`;
    }
  });
}

const missing = await installed();
if (missing !== undefined) console.warn(`\n*** SKIPPED: tests of the sink lancedb. There is ${missing} ***\n`);

/** `describe` where LanceDB can be had; a failure with REQUIRE_INTEGRATION=1, otherwise. */
export function describeWithLanceDb(title: string, body: () => void): void {
  if (missing === undefined) describe(title, body);
  else if (process.env['REQUIRE_INTEGRATION'] === '1')
    describe(title, () => {
      it('has LanceDB', () => {
        throw new Error(`REQUIRE_INTEGRATION=1, but there is ${missing}`);
      });
    });
  else describe.skip(title, body);
}
