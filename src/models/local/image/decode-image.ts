import sharp, { type OutputInfo, type Sharp, type SharpOptions } from 'sharp';
import { messageOf } from '../../../errors.ts';
import type { ImageSize } from '../../catalog/image-preprocessing.ts';
import { imageFormat } from './image-format.ts';

/** A larger image is refused: a few hundred bytes can claim gigabytes of pixels. This many take 200 MB, decoded. */
export const MAX_PIXELS = 64_000_000;
/** A decoder that is still at it after this has met bytes that were made to keep it busy. */
const TIMEOUT_SECONDS = 60;

// libvips keeps the latest 50 MB of results, and no image is decoded twice.
sharp.cache(false);

/** Why an image can't be decoded; the record that carries it is at fault. */
export class ImageFault extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export interface RgbImage extends ImageSize {
  /** (height, width, 3) */
  readonly pixels: Uint8Array;
}

export interface ImageHeader extends ImageSize {
  readonly options: SharpOptions;
  readonly isCmyk: boolean;
}

/**
 * What the header says, with width and height as the image is shown.
 *
 * @throws ImageFault
 */
export async function readHeader(bytes: Uint8Array): Promise<ImageHeader> {
  if (imageFormat(bytes) === undefined) {
    throw new ImageFault('IMAGE_FORMAT_UNKNOWN', 'it is no JPEG, PNG, WebP, GIF, TIFF or AVIF');
  }
  const options: SharpOptions = { ignoreIcc: true, failOn: 'error', limitInputPixels: false };
  const { autoOrient, space } = await orRefuse(() => sharp(bytes, options).metadata());
  const { width, height } = autoOrient;
  if (width * height > MAX_PIXELS) {
    const size = `${width} × ${height} pixels`;
    throw new ImageFault('IMAGE_TOO_LARGE', `it has ${size}, and ${MAX_PIXELS / 1e6} million are read at most`);
  }
  return { width, height, options, isCmyk: space === 'cmyk' };
}

/**
 * The first frame or page as Python's image processors get it: turned as its EXIF orientation says (transformers'
 * `load_image`), then `convert("RGB")`: colour profiles ignored, transparency dropped, CMYK by Pillow's arithmetic.
 * 16-bit grey keeps its upper 8 bits, where Pillow makes nearly all of it white.
 *
 * @throws ImageFault also where the file is cut short or damaged
 */
export async function decodeImage(bytes: Uint8Array, { options, isCmyk }: ImageHeader): Promise<RgbImage> {
  const image = sharp(bytes, options).autoOrient().timeout({ seconds: TIMEOUT_SECONDS });
  const { data, info } = await orRefuse(() => rawPixels(image, isCmyk));
  const { width, height, channels } = info;
  const pixels = isCmyk ? fromCmyk(data, channels) : data;
  if (pixels.length !== width * height * 3) {
    throw new ImageFault('IMAGE_NOT_READABLE', `it has ${channels} channels, which is no kind of image that is known`);
  }
  return { width, height, pixels };
}

function rawPixels(image: Sharp, isCmyk: boolean): Promise<{ data: Buffer; info: OutputInfo }> {
  const converted = isCmyk
    ? image.pipelineColourspace('cmyk').toColourspace('cmyk')
    : image.toColourspace('srgb').removeAlpha();
  return converted.raw().toBuffer({ resolveWithObject: true });
}

/** Pillow's cmyk2rgb (src/libImaging/Convert.c). */
function fromCmyk(data: Uint8Array, channels: number): Uint8Array {
  const pixels = new Uint8Array((data.length / channels) * 3);
  for (let at = 0, to = 0; at < data.length; at += channels, to += 3) {
    const light = 255 - (data[at + 3] ?? 0);
    for (let c = 0; c < 3; c++) {
      const ink = (data[at + c] ?? 0) * light + 128;
      pixels[to + c] = Math.max(0, light - (((ink >> 8) + ink) >> 8));
    }
  }
  return pixels;
}

async function orRefuse<Result>(read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    const [reason = ''] = messageOf(error).split('\n');
    throw new ImageFault('IMAGE_NOT_READABLE', `it is cut short or damaged (${reason})`);
  }
}
