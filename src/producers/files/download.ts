import { stat } from 'node:fs/promises';
import { fatalError, messageOf, PipelineError, UsageError } from '../../errors.ts';
import { writeChunks } from './temporary-files.ts';

/** Until the first byte. */
const ANSWER_TIMEOUT_MS = 60_000;
const MOST_BYTES = 64 * 1024 ** 3;

/** The address without what may be secret in it: no password, no query. */
export function shownUrl({ protocol, host, pathname }: URL): string {
  return `${protocol}//${host}${pathname}`;
}

/** Fetches a URL to a file that is not there yet, as a stream; answers with its bytes. */
export async function download(url: URL, target: string, signal?: AbortSignal): Promise<number> {
  const shown = shownUrl(url);
  const response = await answerOf(url, signal);
  if (response.status >= 400 && response.status < 500)
    throw new UsageError(
      `${shown} answers ${response.status} ${response.statusText}. Check the address and its rights.`,
    );
  if (!response.ok || response.body === null)
    throw new PipelineError('DOWNLOAD_FAILED', `${shown} answers ${response.status}. Try again later.`, {
      retriable: true,
    });
  const announced = Number(
    response.headers.get('content-encoding') === null ? response.headers.get('content-length') : NaN,
  );
  try {
    await writeChunks(target, bounded(response.body, shown), signal);
  } catch (error) {
    if (error instanceof PipelineError || signal?.aborted === true) throw error;
    throw new PipelineError('DOWNLOAD_FAILED', `${shown} broke off: ${messageOf(error)}. Try again.`, {
      retriable: true,
      cause: error,
    });
  }
  const { size } = await stat(target);
  if (announced > 0 && announced !== size)
    throw new PipelineError('DOWNLOAD_FAILED', `${shown} broke off after ${size} of ${announced} bytes. Try again.`, {
      retriable: true,
    });
  return size;
}

async function answerOf(url: URL, signal: AbortSignal | undefined): Promise<Response> {
  const bare = new URL(url);
  bare.username = bare.password = '';
  const secret = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  const headers = url.username === '' ? {} : { authorization: `Basic ${Buffer.from(secret).toString('base64')}` };
  const timeout = new AbortController();
  const timer = setTimeout(() => {
    timeout.abort(new Error(`no answer within ${ANSWER_TIMEOUT_MS / 1000} s`));
  }, ANSWER_TIMEOUT_MS);
  try {
    return await fetch(bare, { headers, signal: AbortSignal.any([timeout.signal, ...(signal ? [signal] : [])]) });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new PipelineError('DOWNLOAD_FAILED', `${shownUrl(url)} can't be reached: ${messageOf(cause)}.`, {
      retriable: true,
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}

async function* bounded(body: AsyncIterable<Uint8Array>, shown: string): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw fatalError('DOWNLOAD_TOO_LARGE', `${shown} has more than ${MOST_BYTES} bytes.`);
    yield chunk;
  }
}
