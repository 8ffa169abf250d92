import { BYTES_PER_TOKEN } from './token-estimate.ts';
import type { Waiting } from './request-queue.ts';

/** A text that may be too long is cut to this many bytes a token: what does not fit then is refused for another reason. */
const SAFE_BYTES_PER_TOKEN = 2;
/** Some tokenizers count a little more than what they say. */
const MARGIN = 0.95;
/** "maximum context length is 8192 tokens, however you requested 10000 tokens" */
const COUNTS = /maximum context length is (\d+) tokens[^\d]+(?:requested|contains(?: at least)?|resulted in) (\d+)/i;

/**
 * An input that was refused alone, with its text cut to what the model reads, where that may have been the reason;
 * for APIs that refuse long texts and don't truncate. Undefined where there is nothing to shorten.
 */
export function shortened(input: Waiting, refusal: string, maxTokens: number): Waiting | undefined {
  const { text } = input.item;
  if (text === undefined) return undefined;
  const bytes = Buffer.byteLength(text);
  const [, most, found] = COUNTS.exec(refusal) ?? [];
  const stated = most === undefined || found === undefined ? NaN : (Number(most) / Number(found)) * MARGIN;
  const target = stated > 0 && stated < 1 ? Math.floor(bytes * stated) : maxTokens * SAFE_BYTES_PER_TOKEN;
  // Once by guess; as often as the provider says how much is too much.
  if (target >= bytes || (input.isShortened === true && Number.isNaN(stated))) return undefined;
  const cut = cutToBytes(text, target);
  if (cut.trim() === '') return undefined;
  const lost = bytes - Buffer.byteLength(cut);
  return {
    ...input,
    item: { ...input.item, text: cut },
    tokens: Math.max(1, input.tokens - Math.floor(lost / BYTES_PER_TOKEN)),
    bytes: input.bytes - lost,
    isShortened: true,
  };
}

/** The longest beginning of at most so many bytes of UTF-8, no character cut in two. */
export function cutToBytes(text: string, bytes: number): string {
  const encoded = Buffer.from(text);
  if (encoded.length <= bytes) return text;
  let end = bytes;
  while (end > 0 && ((encoded[end] ?? 0) & 0xc0) === 0x80) end--;
  return encoded.toString('utf8', 0, end);
}
