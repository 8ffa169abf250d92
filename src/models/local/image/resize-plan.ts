/** Which part of which enlargement or reduction of an image a model sees. Pure. */
import type { ImagePreprocessing, ImageSize } from '../../catalog/image-preprocessing.ts';

export interface ResizePlan {
  /** What the whole image is resized to. */
  readonly size: ImageSize;
  /** The part of that which is kept. */
  readonly crop: ImageSize & { readonly left: number; readonly top: number };
}

/**
 * As transformers' CLIPImageProcessor does it: the longer side is `int(size * long / short)`, which rounds down, and the
 * crop begins at half of what is over, rounded down too.
 */
export function planResize({ resize, crop }: ImagePreprocessing, { width, height }: ImageSize): ResizePlan {
  const size = 'shortest' in resize ? byShortest(resize.shortest, width, height) : resize;
  const kept = crop ?? size;
  const left = Math.floor((size.width - kept.width) / 2);
  const top = Math.floor((size.height - kept.height) / 2);
  return { size, crop: { width: kept.width, height: kept.height, left, top } };
}

function byShortest(shortest: number, width: number, height: number): ImageSize {
  return width <= height
    ? { width: shortest, height: Math.floor((shortest * height) / width) }
    : { width: Math.floor((shortest * width) / height), height: shortest };
}
