/** Formats by their first bytes; what a file is called does not count. Pure. */

export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'gif' | 'tiff' | 'avif';

/** Undefined for everything else: vector formats and documents must not reach a decoder that would open them. */
export function imageFormat(bytes: Uint8Array): ImageFormat | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 64)).toString('latin1');
  if (head.startsWith('\xff\xd8\xff')) return 'jpeg';
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'png';
  if (head.startsWith('RIFF') && head.slice(8, 12) === 'WEBP') return 'webp';
  if (head.startsWith('GIF87a') || head.startsWith('GIF89a')) return 'gif';
  if (head.startsWith('II*\0') || head.startsWith('MM\0*')) return 'tiff';
  // ISO base media: the brands of the file, the main one first.
  if (head.slice(4, 8) === 'ftyp' && /^.{8}(?:avif|avis|.{4,48}avif)/s.test(head)) return 'avif';
  return undefined;
}
