import type { HostedImage } from './provider.ts';

export function base64Of({ bytes }: HostedImage): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}

/** `data:image/jpeg;base64,…` */
export function dataUri(image: HostedImage): string {
  return `data:${image.mime};base64,${base64Of(image)}`;
}
