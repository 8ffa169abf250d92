import { hash } from 'node:crypto';

/** The parts of a record that a model may read. */
export type PartKind = 'text' | 'image';

/** SHA-256, 32 bytes; of text, its UTF-8. */
export function sha256(content: string | Uint8Array): Buffer {
  return hash('sha256', content, 'buffer');
}

export interface PartHashes {
  readonly textHash: Uint8Array | undefined;
  readonly imageHash: Uint8Array | undefined;
}

/**
 * The content hash of a record for a model that reads `kinds`: the hash of the one part it reads, or SHA-256 over
 * both part hashes (text first) where it reads both and both are there; undefined when the record has none of them.
 */
export function contentHashFor(kinds: readonly PartKind[], parts: PartHashes): Uint8Array | undefined {
  const text = kinds.includes('text') ? parts.textHash : undefined;
  const image = kinds.includes('image') ? parts.imageHash : undefined;
  if (text !== undefined && image !== undefined) return sha256(Buffer.concat([text, image]));
  return text ?? image;
}
