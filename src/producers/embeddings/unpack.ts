import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { failureOutcome, fatalError, messageOf, type PipelineError } from '../../errors.ts';
import { openBytes, type ImportFile } from './import-file.ts';
import { wholeFile } from './jsonl-reader.ts';
import { fault, type ImportFault } from './row.ts';
import { tarEntries, type TarEntry } from './tar-entries.ts';

export interface Unpacked {
  readonly files: readonly ImportFile[];
  readonly faults: readonly ImportFault[];
  /** Members that are no files: links, devices. */
  readonly others: readonly string[];
  /** Removes what was unpacked. */
  dispose(): Promise<void>;
}

/**
 * Unpacks the files of a tar into a temporary folder, under numbers: no path of the archive is ever used as one here.
 * A member whose path leads out of the archive is a fault. Errors: IMPORT_UNPACK when there is no room.
 */
export async function unpack(archive: ImportFile): Promise<Unpacked> {
  const folder = await mkdtemp(join(tmpdir(), 'embedstream-import-'));
  const files: ImportFile[] = [];
  const faults: ImportFault[] = [];
  const others: string[] = [];
  let number = 0;
  try {
    for await (const entry of tarEntries(await openBytes(archive), archive.name)) {
      number++;
      if (entry.kind === 'folder') continue;
      const inside = insidePath(entry.path);
      if (inside === undefined) {
        const reason = `${archive.name}: the member ${JSON.stringify(entry.path.slice(0, 200))} leads out of the archive: it was left alone.`;
        faults.push(fault('IMPORT_TAR_PATH', reason, number, Buffer.from(entry.path)));
      } else if (entry.kind === 'other') others.push(`${archive.name}/${inside}`);
      else {
        const path = join(folder, String(number));
        await write(path, entry);
        files.push({ path, name: `${archive.name}/${inside}`, bytes: entry.size, isNamed: false });
      }
    }
  } catch (error) {
    if (failureOutcome(error) !== 'dead-letter') {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
    // The member that was being written when it ended is not whole, and is not among the files.
    faults.push(wholeFile(error as PipelineError, number + 1));
  }
  return { files, faults, others, dispose: () => rm(folder, { recursive: true, force: true }) };
}

/** undefined: it leads out, or nowhere. */
function insidePath(path: string): string | undefined {
  if (/^(?:[\\/]|[A-Za-z]:)/.test(path) || path.includes('\0')) return undefined;
  const parts = path.split(/[\\/]/).filter((part) => part !== '' && part !== '.');
  return parts.length === 0 || parts.includes('..') ? undefined : parts.join('/');
}

async function write(path: string, entry: TarEntry): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    for await (const chunk of entry.content) await writeAll(handle, chunk);
  } finally {
    await handle.close();
  }
}

async function writeAll(handle: Awaited<ReturnType<typeof open>>, chunk: Buffer): Promise<void> {
  try {
    for (let at = 0; at < chunk.length;) at += (await handle.write(chunk, at)).bytesWritten;
  } catch (error) {
    const what = `Unpacking to ${tmpdir()} failed: ${messageOf(error)}.`;
    throw fatalError('IMPORT_UNPACK', `${what} Make room there, or choose another place with TMPDIR.`, error);
  }
}
