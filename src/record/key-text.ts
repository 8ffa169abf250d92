/** Keys one to one as text, for Maps; cheaper than decoding UTF-8. */
export function keyText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}
