/** Judges encoded images and makes them fit into a record. Loads sharp: import it where there is an image. */
import sharp from 'sharp';
import { poisonError, type PipelineError } from '../../errors.ts';
import { decodeImage, ImageFault, readHeader, type ImageHeader } from '../../models/local/image/decode-image.ts';
import { imageFormat, type ImageFormat } from '../../models/local/image/image-format.ts';
import { PixelRoom } from '../../models/local/image/preprocess.ts';
import type { ImagePart } from '../../record/types.ts';
import { tooManyBytes } from './image-faults.ts';
import type { ImageSettings } from './options.ts';
import { wholenessOf } from './wholeness.ts';

export interface PreparedImage {
  /** As it goes into the record. */
  readonly image: ImagePart & { readonly bytes: Uint8Array };
  /** Of the image as it was, with width and height as it is shown. */
  readonly width: number;
  readonly height: number;
  readonly mime: string;
}

const JPEG_QUALITY = 90;
/** What is decoded at a time, in all of this process. */
const room = new PixelRoom();

/**
 * Checks the header and that the file reaches its end; what looks cut off is decoded before it is refused, since
 * decoders forgive more than a structure says. An image of too many bytes is scaled down where that is asked for: to
 * the pixels that a model would see of it (turned upright, RGB), as JPEG.
 *
 * @throws PipelineError (poison) IMAGE_FORMAT_UNKNOWN, IMAGE_NOT_READABLE, IMAGE_TRUNCATED, IMAGE_TOO_LARGE (pixels),
 * IMAGE_TOO_MANY_BYTES
 */
export async function prepareImage(bytes: Buffer, settings: ImageSettings): Promise<PreparedImage> {
  const format = imageFormat(bytes);
  const wholeness = format === undefined ? 'whole' : wholenessOf(bytes, format);
  try {
    const header = await readHeader(bytes);
    const { width, height } = header;
    const facts = { width, height, mime: `image/${format ?? ''}` };
    if (bytes.length > settings.maxInlineBytes) return { ...facts, image: await scaledDown(bytes, header, settings) };
    if (wholeness !== 'whole') await decode(bytes, header, () => undefined);
    return { ...facts, image: { mime: facts.mime, bytes } };
  } catch (error) {
    throw error instanceof ImageFault ? refusal(error, wholeness === 'cut', format) : error;
  }
}

async function scaledDown(
  bytes: Buffer,
  header: ImageHeader,
  settings: ImageSettings,
): Promise<PreparedImage['image']> {
  const { maxSide, maxInlineBytes } = settings;
  if (maxSide === undefined) throw tooManyBytes(bytes.length, settings);
  const size = { width: maxSide, height: maxSide, fit: 'inside', withoutEnlargement: true } as const;
  const scaled = await decode(bytes, header, ({ pixels, width, height }) =>
    sharp(pixels, { raw: { width, height, channels: 3 } })
      .resize(size)
      .jpeg({ quality: JPEG_QUALITY, chromaSubsampling: '4:4:4' })
      .toBuffer(),
  );
  if (scaled.length <= maxInlineBytes) return { mime: 'image/jpeg', bytes: scaled };
  throw poisonError(
    'IMAGE_TOO_MANY_BYTES',
    `scaled down to ${maxSide} pixels, it still has ${scaled.length} bytes, more than --max-inline-bytes=${maxInlineBytes}. ` +
      'Give a lower --image-max-side',
  );
}

type Decoded = Awaited<ReturnType<typeof decodeImage>>;

function decode<Result>(
  bytes: Buffer,
  header: ImageHeader,
  use: (image: Decoded) => Result | Promise<Result>,
): Promise<Result> {
  return room.whileHolding(header.width * header.height, async () => use(await decodeImage(bytes, header)));
}

/** What the decoder says, or that the file is cut off where its structure shows it. */
function refusal(fault: ImageFault, isCut: boolean, format: ImageFormat | undefined): PipelineError {
  if (fault.code !== 'IMAGE_NOT_READABLE' || !isCut) return poisonError(fault.code, fault.message, fault);
  return poisonError('IMAGE_TRUNCATED', `the ${(format ?? '').toUpperCase()} file is cut off. Get it whole`, fault);
}
