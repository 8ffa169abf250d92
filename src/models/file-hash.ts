import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * SHA-256 of a file, lower-case hex. A large file of the Hugging Face cache is named by it (the file was checked against
 * its name when it was downloaded), so that the gigabytes of a model are not read a second time at each start.
 */
export async function hashOfFile(folder: string, file: string): Promise<string> {
  const path = await realpath(join(folder, file));
  const name = basename(path);
  if (/^[0-9a-f]{64}$/.test(name) && basename(dirname(path)) === 'blobs') return name;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
