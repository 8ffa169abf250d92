import { poisonError, type PipelineError } from '../../errors.ts';
import { MOST_IMAGE_BYTES, type ImageSettings } from './options.ts';

/** A dead letter has to fit into one log record (8 MiB) with its headers. */
const MAX_RAW_BYTES = 8 * 1024 * 1024 - 64 * 1024;

/** Another day it may be read: a copy was still under way, a permission was missing. Nothing has vanished then. */
const MAY_PASS = new Set(['IMAGE_TRUNCATED', 'IMAGE_UNREADABLE']);

export function mayPass(code: string): boolean {
  return MAY_PASS.has(code);
}

/** Of an image that need not be read whole to know this. */
export function tooManyBytes(bytes: number | 'more', { maxInlineBytes, maxSide }: ImageSettings): PipelineError {
  const advice =
    maxSide === undefined
      ? 'Have it scaled down, for example with --image-max-side=1024, or raise --max-inline-bytes'
      : `Images of more than ${MOST_IMAGE_BYTES} bytes are not scaled down`;
  return poisonError(
    'IMAGE_TOO_MANY_BYTES',
    `it has ${bytes === 'more' ? '' : `${bytes} bytes, `}more than --max-inline-bytes=${maxInlineBytes}. ${advice}`,
  );
}

/** What a dead letter keeps of an image. */
export function rawOf(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, MAX_RAW_BYTES);
}
