const SEED = 0x9747b28c;
const M = 0x5bd1e995;

/**
 * MurmurHash2, 32 bit, as `org.apache.kafka.common.utils.Utils.murmur2`: a signed 32-bit number.
 */
export function murmur2(data: Uint8Array): number {
  const length = data.length;
  const blocks = length & ~3;
  let hash = SEED ^ length;
  for (let i = 0; i < blocks; i += 4) {
    let k = (data[i] ?? 0) | ((data[i + 1] ?? 0) << 8) | ((data[i + 2] ?? 0) << 16) | ((data[i + 3] ?? 0) << 24);
    k = Math.imul(k, M);
    k ^= k >>> 24;
    hash = Math.imul(hash, M) ^ Math.imul(k, M);
  }
  const tail = length - blocks;
  if (tail > 0) {
    if (tail > 2) hash ^= (data[blocks + 2] ?? 0) << 16;
    if (tail > 1) hash ^= (data[blocks + 1] ?? 0) << 8;
    hash = Math.imul(hash ^ (data[blocks] ?? 0), M);
  }
  hash = Math.imul(hash ^ (hash >>> 13), M);
  return hash ^ (hash >>> 15);
}

/** The partition of a key, as Java's default partitioner chooses it; partition 0 without a key. */
export function partitionOf(key: Uint8Array | null, partitions: number): number {
  if (key === null || partitions === 1) return 0;
  return (murmur2(key) & 0x7fffffff) % partitions;
}
