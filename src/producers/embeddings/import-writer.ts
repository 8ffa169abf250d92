import { bytesOfHash } from '../../codec/hashes.ts';
import type { OutputRecord, TransactionalProducer } from '../../log/port.ts';
import { deadLetterHeaders } from '../../record/dead-letter.ts';
import { sha256 } from '../../record/identity.ts';
import type { RecordId } from '../../record/types.ts';
import { tooLarge } from './check-row.ts';
import type { RowIdentity } from './import-identity.ts';
import type { ImportOptions } from './import-options.ts';
import type { ImportState } from './import-state.ts';
import type { ImportFault, ImportRow } from './row.ts';

/** Keys of a ledger entry for what became a dead letter; no id begins with NUL. */
export const FAULT_KEY_PREFIX = '\0row:';
const TRANSACTION_BYTES = 4 * 1024 * 1024;
/** Of an entry that is about no record of the log. */
const NO_OFFSET = -1;

/** What an import writes, gathered into transactions; keeps the state as it will be when they are committed. */
export class ImportWriter {
  readonly #options: ImportOptions;
  readonly #producer: TransactionalProducer;
  readonly #state: ImportState;
  #outputs: OutputRecord[] = [];
  #bytes = 0;

  constructor(options: ImportOptions, producer: TransactionalProducer, state: ImportState) {
    this.#options = options;
    this.#producer = producer;
    this.#state = state;
  }

  get isFull(): boolean {
    return this.#bytes >= TRANSACTION_BYTES;
  }

  /** An embedding with its entries in both ledgers; the fault where it is larger than a record may be. */
  embedding(row: ImportRow, file: string, identity: RowIdentity, hash: Uint8Array): ImportFault | undefined {
    const { codec, topics, model, clock } = this.#options;
    const { id, vector, text, metadata, createdAt = clock(), tokenCount = 0, truncated = false } = row;
    const { contentHash, fingerprint } = identity;
    const value = codec.encodeEmbedding({
      ...{ recordId: id as RecordId, model: model.name, fingerprint, contentHash, dimension: vector.length },
      ...{ tokenCount, truncated, createdAt, metadata, vector },
      ...(text !== undefined && { text }),
    });
    const large = tooLarge(row, file, value.length);
    if (large !== undefined) return large;
    const key = Buffer.from(id);
    this.#output({ topic: topics.embeddings(model.name), key, value });
    const entry = {
      ...{ contentHash: bytesOfHash(contentHash), fingerprint: bytesOfHash(fingerprint) },
      ...({ outcome: 'embedded', offset: NO_OFFSET } as const),
    };
    this.#state.model.set(id, entry);
    this.#output({ topic: topics.ledger(model.name), key, value: codec.encodeLedgerParts(entry) });
    this.#enter(key, hash, 'published', row.row);
    this.#state.own.mark(id);
    return undefined;
  }

  /** False when it is on the log already. */
  deadLetter(file: string, { code, reason, row, raw }: ImportFault): boolean {
    const { own, fingerprint } = this.#state;
    const ledgerKey = Buffer.from(`${FAULT_KEY_PREFIX}${file}:${row}:${code}`);
    const identity = sha256(raw);
    const isNew = own.outcomeOf(ledgerKey, identity, fingerprint) !== 'dead-lettered';
    if (isNew) {
      const { name, topics, onDeadLetter } = this.#options;
      const origin = { stage: 'import', connector: name, line: row };
      const why = { code, message: reason };
      onDeadLetter?.(origin, why);
      const key = Buffer.from(`${name}:${file}:${row}`);
      this.#output({ topic: topics.deadLetters, key, value: raw, headers: deadLetterHeaders(origin, why) });
      this.#enter(ledgerKey, identity, 'dead-lettered', row);
    }
    own.mark(ledgerKey);
    return isNew;
  }

  async flush(): Promise<void> {
    const outputs = this.#outputs;
    this.#outputs = [];
    this.#bytes = 0;
    if (outputs.length > 0) await this.#producer.append(outputs);
  }

  #enter(key: Buffer, identity: Uint8Array, outcome: 'published' | 'dead-lettered', row: number): void {
    const entry = { contentHash: identity, fingerprint: this.#state.fingerprint, outcome, offset: row } as const;
    const { topics, name, codec } = this.#options;
    this.#state.own.set(key, entry);
    this.#output({ topic: topics.importLedger(name), key, value: codec.encodeLedgerParts(entry) });
  }

  #output(output: OutputRecord): void {
    this.#outputs.push(output);
    this.#bytes += output.value?.length ?? 0;
  }
}
