import { rm, stat } from 'node:fs/promises';
import { failureOutcome, messageOf, UsageError } from '../../errors.ts';
import { Fetcher } from '../fetch/fetcher.ts';
import { writeChunks } from './temporary-files.ts';

/** Of files that take long: only a server that has nothing to say is given up. */
const LIMITS = { totalMs: 24 * 3_600_000, maxBytes: 64 * 1024 ** 3 };

/**
 * Fetches a URL to a file that is not there yet, as a stream; answers with its bytes. Rejects with a `UsageError` where
 * the address is at fault and with FETCH_FAILED where the world is.
 */
export async function download(
  url: URL,
  target: string,
  options: { readonly allowPrivateHosts?: boolean; readonly signal?: AbortSignal },
): Promise<number> {
  const { allowPrivateHosts = false, signal } = options;
  const fetcher = new Fetcher({ allowPrivateHosts, limits: LIMITS });
  try {
    await fetcher.fetch(
      url.href,
      async (body) => {
        // What an attempt before has left.
        await rm(target, { force: true });
        await writeChunks(target, body, signal);
      },
      signal,
    );
    return (await stat(target)).size;
  } catch (error) {
    if (failureOutcome(error) !== 'dead-letter') throw error;
    throw new UsageError(`--source: ${messageOf(error)}.`, { cause: error });
  } finally {
    await fetcher.close();
  }
}
