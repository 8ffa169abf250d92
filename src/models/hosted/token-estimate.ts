import type { HostedItem, ImageRules } from './provider.ts';

/** Of English in most tokenizers; other scripts have more bytes in a character, and fewer characters in a token. */
export const BYTES_PER_TOKEN = 4;

/** Tokens of an input, before anybody has counted them: 4 bytes of UTF-8 each, and what the provider says of images. */
export function estimateTokens({ text, image }: HostedItem, images?: ImageRules): number {
  const ofText = text === undefined ? 0 : Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN);
  return Math.max(1, ofText + (image === undefined ? 0 : (images?.tokens(image.pixels) ?? 0)));
}

/** Splits a request's count among its inputs by their estimates; the parts add up to it. */
export function spreadTokens(total: number, estimates: readonly number[]): number[] {
  const sum = estimates.reduce((before, each) => before + each, 0);
  let [given, seen] = [0, 0];
  return estimates.map((each) => {
    seen += each;
    const upTo = Math.round((total * seen) / sum);
    const part = upTo - given;
    given = upTo;
    return part;
  });
}
