import type { Codec } from '../codec/port.ts';
import { EmbeddingScanner } from '../codec/embedding-scanner.ts';
import { failureOutcome, PipelineError, poisonError } from '../errors.ts';
import type { LogRecord } from '../log/port.ts';
import type { Refusal } from './dead-letters.ts';

/** Tells what can become a row or a deletion from what can't, before an encoder meets it in the middle of a shard. */
export class UsableRecords {
  readonly #codec: Pick<Codec, 'upgradeEmbedding'>;
  readonly #scanner = new EmbeddingScanner();

  constructor(codec: Pick<Codec, 'upgradeEmbedding'>) {
    this.#codec = codec;
  }

  /** The records that are embeddings or deletions; the others go to `refused`. */
  of(records: readonly LogRecord[], refused: Refusal[]): readonly LogRecord[] {
    const faulty: Refusal[] = [];
    for (const record of records) {
      const error = this.#fault(record);
      if (error !== undefined) faulty.push({ offset: record.offset, error });
    }
    if (faulty.length === 0) return records;
    refused.push(...faulty);
    const offsets = new Set(faulty.map(({ offset }) => offset));
    return records.filter(({ offset }) => !offsets.has(offset));
  }

  #fault({ key, value, offset }: LogRecord): PipelineError | undefined {
    if (key === null) return poisonError('CODEC_CORRUPT', `The record at offset ${offset} has no key.`);
    if (value === null) return undefined;
    try {
      const bytes = this.#codec.upgradeEmbedding(value);
      this.#scanner.scan(bytes, 0, bytes.length);
      return undefined;
    } catch (error) {
      if (error instanceof PipelineError && failureOutcome(error) === 'dead-letter') return error;
      throw error;
    }
  }
}
