import sharp from 'sharp';
import { poisonError } from '../../errors.ts';
import { decodeImage, ImageFault, readHeader, type ImageHeader } from '../local/image/decode-image.ts';
import { imageFormat } from '../local/image/image-format.ts';
import type { HostedImage, ImageRules } from './provider.ts';

const JPEG_QUALITY = 90;
/** Each step takes a quarter of the pixels. */
const MAX_STEPS = 6;

/**
 * An image as a provider takes it: as it is where its format and size are taken, otherwise turned upright and made a
 * JPEG, as large as it may be.
 *
 * @throws PipelineError IMAGE_NOT_READABLE, IMAGE_TOO_LARGE or IMAGE_FORMAT_UNKNOWN, with `poison`.
 */
export async function prepareImage(bytes: Uint8Array, rules: ImageRules, model: string): Promise<HostedImage> {
  try {
    return await fit(bytes, rules);
  } catch (error) {
    if (!(error instanceof ImageFault)) throw error;
    throw poisonError(error.code, `An image for the model ${model} can't be sent: ${error.message}.`, error);
  }
}

/** @throws ImageFault */
async function fit(bytes: Uint8Array, rules: ImageRules): Promise<HostedImage> {
  const header = await readHeader(bytes);
  const pixels = header.width * header.height;
  const mime = `image/${imageFormat(bytes) ?? ''}`;
  if (rules.mimes.includes(mime) && bytes.length <= rules.maxBytes && pixels <= rules.maxPixels)
    return { mime, bytes, pixels };
  return convert(bytes, header, rules);
}

async function convert(bytes: Uint8Array, header: ImageHeader, rules: ImageRules): Promise<HostedImage> {
  const { width, height, pixels } = await decodeImage(bytes, header);
  const raw = { width, height, channels: 3 } as const;
  let scale = Math.min(1, Math.sqrt(rules.maxPixels / (width * height)));
  for (let step = 0; step < MAX_STEPS; step++, scale /= 2) {
    const wide = Math.max(1, Math.floor(width * scale));
    const high = Math.max(1, Math.floor(height * scale));
    const image = sharp(pixels, { raw });
    const resized = scale === 1 ? image : image.resize(wide, high, { fit: 'fill' });
    const jpeg = await resized.jpeg({ quality: JPEG_QUALITY }).toBuffer();
    if (jpeg.length <= rules.maxBytes) return { mime: 'image/jpeg', bytes: jpeg, pixels: wide * high };
  }
  throw new ImageFault('IMAGE_TOO_LARGE', `it can't be made as small as ${rules.maxBytes} bytes`);
}
