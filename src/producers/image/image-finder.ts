import { realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { PipelineError, poisonError, UsageError } from '../../errors.ts';
import type { Fetcher } from '../fetch/fetcher.ts';
import type { FormatOptions } from '../port.ts';
import type { Reserve } from './in-order.ts';
import type { ImageReference } from './image-reference.ts';
import { tooManyBytes } from './image-faults.ts';
import { imageSettings, mostBytes, type ImageSettings } from './options.ts';
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

/** @throws UsageError where the settings are wrong or the folder of the images is not there */
export async function checkedSettings(options: FormatOptions): Promise<ImageSettings> {
  const { imagesDir } = options;
  const found = imagesDir === undefined ? undefined : await stat(imagesDir).catch(() => undefined);
  if (imagesDir !== undefined && found?.isDirectory() !== true)
    throw new UsageError(`--images-dir: there is no folder ${imagesDir}.`);
  return imageSettings(options);
}

export async function createImageFinder(
  { kind }: ImageReference,
  options: FormatOptions,
  settings: ImageSettings,
): Promise<ImageFinder> {
  if (kind === 'bytes') return bytesFinder(settings);
  if (kind === 'path') return folderFinder(await realpath(options.imagesDir ?? '.'), settings);
  const { allowPrivateHosts = false, requestsPerHost } = options;
  const limits = { maxBytes: mostBytes(settings) };
  // Its client takes some time to load.
  const { Fetcher } = await import('../fetch/fetcher.ts');
  return urlFinder(
    new Fetcher({ allowPrivateHosts, limits, ...(requestsPerHost !== undefined && { requestsPerHost }) }),
    settings,
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

/** What a row holds itself. */
function bytesFinder(settings: ImageSettings): ImageFinder {
  return {
    async find(reference, reserve) {
      const bytes = (reference.length - 2) / 2;
      if (bytes > mostBytes(settings)) throw tooManyBytes(bytes, settings);
      await reserve(bytes);
      return Buffer.from(reference.slice(2), 'hex');
    },
    close: () => Promise.resolve(),
  };
}

function urlFinder(fetcher: Fetcher, settings: ImageSettings): ImageFinder {
  return {
    async find(reference, reserve, signal) {
      // Before there is a connection: whoever has one must not wait for room.
      await reserve(mostBytes(settings));
      const receive = async (body: AsyncIterable<Uint8Array>): Promise<Buffer> => {
        const chunks: Uint8Array[] = [];
        for await (const chunk of body) chunks.push(chunk);
        return Buffer.concat(chunks);
      };
      return fetcher.fetch(reference, receive, signal).catch((error: unknown) => {
        if (error instanceof PipelineError && error.code === 'URL_TOO_LARGE') throw tooManyBytes('more', settings);
        throw error;
      });
    },
    close: () => fetcher.close(),
  };
}
