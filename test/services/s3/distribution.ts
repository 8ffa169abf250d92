import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cachedOnce, isCached } from '../cache.ts';
import { onPath } from '../java.ts';

const run = promisify(execFile);
const VERSION = 'v1.8.0';
const NAME = `versitygw-${VERSION}`;

/** What this machine lacks to run an S3 server. */
export function missingForS3(): string | undefined {
  if (isCached(NAME) || onPath('go') !== undefined) return undefined;
  return 'no Go, which builds it from the module proxy: install Go 1.25 or newer';
}

/** The Versity gateway's program. Built once: two minutes, 80 MB. */
export async function versityGateway(): Promise<string> {
  const folder = await cachedOnce(NAME, async (part) => {
    const env = { ...process.env, GOBIN: part, CGO_ENABLED: '0' };
    await run('go', ['install', `github.com/versity/versitygw/cmd/versitygw@${VERSION}`], { env });
  });
  return join(folder, 'versitygw');
}
