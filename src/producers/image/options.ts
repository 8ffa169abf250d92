import { z } from 'zod';
import { UsageError } from '../../errors.ts';
import { MAX_RECORD_BYTES } from '../../log/port.ts';
import type { FormatOptions } from '../port.ts';

/** What a record may hold of an image. */
export interface ImageSettings {
  /** An image of more bytes does not travel as it is. */
  readonly maxInlineBytes: number;
  /** Pixels of the longer side to which such an image is scaled down; left out: it becomes a dead letter. */
  readonly maxSide?: number;
}

/** A larger file is not even read to be scaled down. */
export const MOST_IMAGE_BYTES = 64 * 1024 * 1024;
const MAX_INLINE_BYTES = 1_000_000;
/** The log takes no larger records, and text and metadata want some room beside the image. */
const MOST_INLINE_BYTES = MAX_RECORD_BYTES - 256 * 1024;

const schema = z.object({
  maxInlineBytes: z
    .int()
    .positive('--max-inline-bytes must be at least 1')
    .max(MOST_INLINE_BYTES, `--max-inline-bytes can be ${MOST_INLINE_BYTES} at most: the log takes no larger records`)
    .default(MAX_INLINE_BYTES),
  imageMaxSide: z.int().min(16, '--image-max-side must be at least 16').exactOptional(),
});

/** @throws UsageError */
export function imageSettings(options: Pick<FormatOptions, 'maxInlineBytes' | 'imageMaxSide'>): ImageSettings {
  const parsed = schema.safeParse(options);
  if (!parsed.success) throw new UsageError(`${parsed.error.issues.map(({ message }) => message).join('; ')}.`);
  const { maxInlineBytes, imageMaxSide } = parsed.data;
  return { maxInlineBytes, ...(imageMaxSide !== undefined && { maxSide: imageMaxSide }) };
}

/** How many bytes of an image are worth reading. */
export function mostBytes({ maxInlineBytes, maxSide }: ImageSettings): number {
  return maxSide === undefined ? maxInlineBytes : MOST_IMAGE_BYTES;
}

/** For the user. */
export function imageSettingsText({ maxInlineBytes, maxSide }: ImageSettings): string {
  const larger = maxSide === undefined ? 'larger ones refused' : `larger ones scaled down to ${maxSide} pixels`;
  return `up to ${maxInlineBytes} bytes, ${larger}`;
}
