import { PipelineError, poisonError } from '../../errors.ts';
import type { EmbedInput } from '../port.ts';
import type { HostedItem, HostedProvider } from './provider.ts';
import type { Waiting } from './request-queue.ts';
import { cutToBytes } from './shorten.ts';
import { estimateTokens } from './token-estimate.ts';

export type PreparedInput = Pick<Waiting, 'item' | 'tokens' | 'bytes' | 'isTruncated'>;

/** A text that is longer by so much has more tokens than the model reads in any script: the rest need not travel. */
const MOST_BYTES_PER_TOKEN = 16;
/** What stands around an input in a request. */
const FRAME_BYTES = 64;

/**
 * An input as the provider is to get it.
 *
 * @throws PipelineError INPUT_EMPTY, INPUT_NOT_READABLE, IMAGE_NOT_READABLE, IMAGE_TOO_LARGE, IMAGE_FORMAT_UNKNOWN, each
 * with `poison`.
 */
export async function prepareInput(
  { text, image }: EmbedInput,
  { images, name }: Pick<HostedProvider, 'images' | 'name'>,
  { prefix, maxTokens, model }: { readonly prefix: string; readonly maxTokens: number; readonly model: string },
): Promise<PreparedInput> {
  let sentImage: HostedItem['image'];
  if (image !== undefined && images !== undefined) {
    // Its decoder takes a while to load, and many models read no images.
    const { prepareImage } = await import('./prepare-image.ts');
    sentImage = await prepareImage(image.bytes, images, model);
  }
  // Every provider refuses a text without a word in it.
  const isEmpty = text === undefined || text.trim() === '';
  if (isEmpty && sentImage === undefined) {
    throw text === undefined
      ? poisonError(
          'INPUT_NOT_READABLE',
          `${model} reads ${images === undefined ? 'text' : 'text and images'}, and this input has none.`,
        )
      : poisonError('INPUT_EMPTY', `The text is empty, and ${name} embeds no empty text.`);
  }
  const whole = isEmpty ? undefined : prefix + text;
  const sentText = whole === undefined ? undefined : cutToBytes(whole, maxTokens * MOST_BYTES_PER_TOKEN);
  const item: HostedItem = {
    ...(sentText !== undefined && { text: sentText }),
    ...(sentImage !== undefined && { image: sentImage }),
  };
  const tokens = estimateTokens(item, images);
  return {
    item,
    // What is more is cut off, there or here.
    tokens: Math.min(tokens, maxTokens),
    bytes: FRAME_BYTES + Buffer.byteLength(sentText ?? '') + Math.ceil(((sentImage?.bytes.length ?? 0) * 4) / 3),
    isTruncated: sentText !== undefined && estimateTokens({ text: sentText }) > maxTokens,
  };
}

/** The fault, if it is one of the input's own; anything else is thrown. */
export function faultOf(error: unknown): PipelineError {
  if (error instanceof PipelineError && error.poison) return error;
  throw error;
}
