import type { Codec } from '../../codec/port.ts';
import { failureOutcome } from '../../errors.ts';
import { IdentityIndex } from '../../ledger/identity-index.ts';
import type { Log } from '../../log/port.ts';
import { contentHashFor, type PartKind } from '../../record/identity.ts';

const HASH_BYTES = 32;
const GROWTH = 1.5;
const [GONE, LIVE, APPLICABLE] = [0, 1, 2];

/** The content hash of every live record on the log, for a model that reads `kinds`: some 60 bytes a record. */
export class RecordTexts {
  readonly #ids = new IdentityIndex();
  #hashes = new Uint8Array(1024 * HASH_BYTES);
  #states = new Uint8Array(1024);

  static async read(
    { log, codec }: { readonly log: Log; readonly codec: Codec },
    topic: string,
    kinds: readonly PartKind[],
    signal?: AbortSignal,
  ): Promise<RecordTexts> {
    const texts = new RecordTexts();
    const info = (await log.topics()).find(({ name }) => name === topic);
    const options = { transient: true, ...(signal && { signal }) };
    for (const { partition, startOffset, endOffset } of info?.partitionInfo ?? [])
      for await (const { records } of log.read(topic, partition, startOffset, endOffset, options))
        for (const { key, value } of records)
          if (key !== null) texts.#set(key, value !== null, value === null ? undefined : hashOf(codec, value, kinds));
    signal?.throwIfAborted();
    return texts;
  }

  isLive(id: string): boolean {
    return this.#stateOf(this.#ids.find(Buffer.from(id))) !== GONE;
  }

  /** 32 bytes; undefined: there is no live record, or none with a part that the model reads. */
  hashOf(id: string): Uint8Array | undefined {
    const index = this.#ids.find(Buffer.from(id));
    if (this.#stateOf(index) !== APPLICABLE) return undefined;
    return this.#hashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES);
  }

  #stateOf(index: number): number {
    return index < 0 ? GONE : (this.#states[index] ?? GONE);
  }

  #set(key: Uint8Array, isLive: boolean, hash: Uint8Array | undefined): void {
    const index = this.#ids.add(key);
    if (index >= this.#states.length) {
      const capacity = Math.ceil((index + 1) * GROWTH);
      const states = new Uint8Array(capacity);
      states.set(this.#states);
      this.#states = states;
      const hashes = new Uint8Array(capacity * HASH_BYTES);
      hashes.set(this.#hashes);
      this.#hashes = hashes;
    }
    this.#states[index] = hash !== undefined ? APPLICABLE : isLive ? LIVE : GONE;
    if (hash !== undefined) this.#hashes.set(hash, index * HASH_BYTES);
  }
}

/** What is no record has no text either. */
function hashOf(codec: Codec, value: Uint8Array, kinds: readonly PartKind[]): Uint8Array | undefined {
  try {
    return contentHashFor(kinds, codec.viewPartHashes(value));
  } catch (error) {
    if (failureOutcome(error) !== 'dead-letter') throw error;
    return undefined;
  }
}
