import type { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import { poisonError } from '../../errors.ts';

type Headers = Readonly<Record<string, string | string[] | undefined>>;

const DECODERS = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
} as const;

/** Bytes that the body will have, where the answer says so. */
function announcedBytes(headers: Headers): number | undefined {
  const length = Number(headers['content-encoding'] === undefined ? headers['content-length'] : NaN);
  return Number.isSafeInteger(length) ? length : undefined;
}

/**
 * An answer's body without its content encoding, which a server may choose though none is asked for.
 *
 * @throws PipelineError (poison) URL_TOO_LARGE, URL_WRONG_CONTENT
 */
export async function* bodyOf(
  body: Readable,
  headers: Headers,
  { maxBytes, shown }: { readonly maxBytes: number; readonly shown: string },
): AsyncGenerator<Uint8Array> {
  const announced = announcedBytes(headers) ?? 0;
  let bytes = announced;
  const refuseLarge = (): void => {
    if (bytes <= maxBytes) return;
    throw poisonError(
      'URL_TOO_LARGE',
      `${shown} has ${announced > 0 ? `${announced}` : 'more'} bytes; ${maxBytes} are read at most`,
    );
  };
  refuseLarge();
  bytes = 0;
  for await (const chunk of decoded(body, headers['content-encoding'], shown)) {
    bytes += chunk.length;
    refuseLarge();
    yield chunk;
  }
}

async function* decoded(
  body: Readable,
  encoding: string | string[] | undefined,
  shown: string,
): AsyncGenerator<Buffer> {
  const name = String(encoding ?? 'identity')
    .trim()
    .toLowerCase();
  if (name === 'identity') {
    yield* body as AsyncIterable<Buffer>;
    return;
  }
  const create = Object.hasOwn(DECODERS, name) ? DECODERS[name as keyof typeof DECODERS] : undefined;
  if (create === undefined)
    throw poisonError('URL_WRONG_CONTENT', `${shown} answers in the encoding "${name}", which is not known`);
  const decoder = create();
  // What breaks the one breaks the other, and is met by whoever reads the decoder.
  body.on('error', (error) => decoder.destroy(error));
  body.pipe(decoder);
  try {
    yield* decoder as AsyncIterable<Buffer>;
  } catch (error) {
    if (!isOfTheData(error)) throw error;
    throw poisonError('URL_WRONG_CONTENT', `${shown} answers with bytes that are no ${name}`, error);
  } finally {
    body.destroy();
    decoder.destroy();
  }
}

function isOfTheData(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code.startsWith('Z_') || code.startsWith('ZSTD_') || code.startsWith('ERR__ERROR') || code === 'ERR_BROTLI';
}
