import { realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { poisonError, UsageError } from '../../errors.ts';
import { Fetcher } from '../fetch/fetcher.ts';
import type { FormatOptions } from '../port.ts';
import type { Reserve } from './in-order.ts';
import type { ImageReference } from './image-reference.ts';
import { mostBytes, type ImageSettings } from './options.ts';
import { openFault, readImageFile } from './read-image.ts';

/** Brings the bytes of images that rows refer to. */
export interface ImageFinder {
  /**
   * `reserve` is called with the bytes before they are held. Rejects with a poison error where the reference, or what
   * it leads to, is at fault; otherwise with what is wrong with the world.
   */
  find(reference: string, reserve: Reserve, signal: AbortSignal): Promise<Buffer>;
  close(): Promise<void>;
}

/** Rejects with a `UsageError` where the folder of the images is not there. */
export async function checkImagesDir({ imagesDir }: Pick<FormatOptions, 'imagesDir'>): Promise<void> {
  if (imagesDir === undefined) return;
  const found = await stat(imagesDir).catch(() => undefined);
  if (found?.isDirectory() !== true) throw new UsageError(`--images-dir: there is no folder ${imagesDir}.`);
}

export async function createImageFinder(
  { kind }: ImageReference,
  options: FormatOptions,
  settings: ImageSettings,
): Promise<ImageFinder> {
  if (kind === 'path') return folderFinder(await realpath(options.imagesDir ?? '.'), settings);
  const { allowPrivateHosts = false, requestsPerHost } = options;
  const limits = { maxBytes: mostBytes(settings) };
  return urlFinder(
    new Fetcher({ allowPrivateHosts, limits, ...(requestsPerHost !== undefined && { requestsPerHost }) }),
    limits.maxBytes,
  );
}

/** Files below a folder. No path leads out of it, by whatever way. */
function folderFinder(root: string, settings: ImageSettings): ImageFinder {
  return {
    async find(reference, reserve) {
      const shown = JSON.stringify(reference);
      const parts = reference.split(/[/\\]/);
      if (/^[/\\]|^[A-Za-z]:|\0/.test(reference) || parts.includes('..'))
        throw poisonError('IMAGE_PATH_OUTSIDE', `the path ${shown} leads out of --images-dir; write it from there on`);
      const path = join(root, reference);
      const target = await realpath(path).catch((error: unknown) => {
        throw openFault(path, error);
      });
      if (!target.startsWith(root.endsWith(sep) ? root : root + sep))
        throw poisonError('IMAGE_PATH_OUTSIDE', `the path ${shown} is a link out of --images-dir`);
      return readImageFile(target, settings, reserve);
    },
    close: () => Promise.resolve(),
  };
}

function urlFinder(fetcher: Fetcher, maxBytes: number): ImageFinder {
  return {
    async find(reference, reserve, signal) {
      // Before there is a connection: whoever has one must not wait for room.
      await reserve(maxBytes);
      const receive = async (body: AsyncIterable<Uint8Array>): Promise<Buffer> => {
        const chunks: Uint8Array[] = [];
        for await (const chunk of body) chunks.push(chunk);
        return Buffer.concat(chunks);
      };
      return fetcher.fetch(reference, receive, signal);
    },
    close: () => fetcher.close(),
  };
}
