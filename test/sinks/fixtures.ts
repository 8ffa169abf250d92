import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createCodec } from '../../src/codec/create-codec.ts';
import type { ShardRows } from '../../src/sinks/port.ts';
import type { ContentHash, Embedding, MetadataValue, ModelFingerprint, RecordId } from '../../src/record/types.ts';

export const codec = createCodec();
export const FINGERPRINT = 'ab'.repeat(32) as ModelFingerprint;

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'embedstream-sinks-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** Numbers that float16 holds exactly, too, and that tell rows and places apart. */
export function vectorOf(i: number, dimension: number): Float32Array {
  return Float32Array.from({ length: dimension }, (_, j) => (((i * 31 + j * 7) % 2001) - 1000) / 1024);
}

export function embedding(i: number, dimension: number, changes: Partial<Embedding> = {}): Embedding {
  return {
    recordId: `object-${i}` as RecordId,
    model: 'tiny',
    fingerprint: FINGERPRINT,
    dimension,
    contentHash: i.toString(16).padStart(64, '0') as ContentHash,
    tokenCount: (i % 100) + 2,
    truncated: i % 3 === 0,
    createdAt: 1_700_000_000_000 + i,
    text: `Vessel № ${i}, 青銅器 🐉`,
    metadata: new Map<string, MetadataValue>([
      ['title', `Vase ${i}`],
      ['year', i - 5000],
    ]),
    vector: vectorOf(i, dimension),
    ...changes,
  };
}

export function wire(value: Embedding): Uint8Array {
  return Uint8Array.from(codec.encodeEmbedding(value));
}

export function shardRows(embeddings: readonly Embedding[], firstOffset = 0): ShardRows {
  const values = embeddings.map(wire);
  const starts = new Uint32Array(values.length + 1);
  for (const [i, value] of values.entries()) starts[i + 1] = starts[i]! + value.length;
  const bytes = new Uint8Array(starts.at(-1)!);
  for (const [i, value] of values.entries()) bytes.set(value, starts[i]);
  return { offsets: Float64Array.from(values, (_, i) => firstOffset + i), bytes, starts };
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
