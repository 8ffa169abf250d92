import { failureOutcome } from '../../errors.ts';
import { IdentityTable } from '../../ledger/identity-table.ts';
import { rawHead, type ImportFile } from './import-file.ts';
import type { ImportSet } from './import-set.ts';
import { readOwnVersions } from './parquet-reader.ts';
import { readRowKeys } from './row-keys.ts';

/**
 * Our own shards are an append log: an id may come again, and a sidecar lists deletions. What counts of an id is the row
 * with the last offset, unless a deletion is later. 24 bytes an id.
 */
export class ShardVersions {
  readonly #last = new IdentityTable();

  /** Reads the ids of all shards in the set. Faults are told when the files are read for their rows. */
  static async read(set: ImportSet): Promise<ShardVersions> {
    const versions = new ShardVersions();
    for await (const unit of set.units()) {
      if (unit.kind === 'deletions') await versions.#noteKeys(unit.file);
      else if (unit.kind === 'file' && unit.keys !== undefined) await versions.#noteKeys(unit.keys);
      else if (unit.kind === 'file') await versions.#noteParquet(unit.file);
      else if (unit.kind === 'npy' && unit.companions?.rowsAreParquet === true)
        await versions.#noteParquet(unit.companions.rows);
    }
    return versions;
  }

  /** True for a row that counts; rows without an offset always do. */
  isLast(id: string, offset: number | undefined): boolean {
    if (offset === undefined) return true;
    const slot = this.#last.find(id);
    return slot < 0 || this.#last.payloadNumber(slot) === offset;
  }

  async #noteParquet(file: ImportFile): Promise<void> {
    if ((await rawHead(file, 4)).toString('latin1') !== 'PAR1') return;
    try {
      for await (const { id, offset } of readOwnVersions(file)) this.#note(id, offset);
    } catch (error) {
      if (failureOutcome(error) !== 'dead-letter') throw error;
    }
  }

  /** Of deletions or of lines: both are listed alike. */
  async #noteKeys(file: ImportFile): Promise<void> {
    for await (const keys of readRowKeys(file))
      for (const { id, offset } of keys) if (id !== undefined && offset !== undefined) this.#note(id, offset);
  }

  #note(id: string, offset: number): void {
    if (!Number.isSafeInteger(offset) || offset < 0) return;
    const before = this.#last.find(id);
    if (before >= 0 && this.#last.payloadNumber(before) >= offset) return;
    this.#last.setPayloadNumber(this.#last.upsert(id), offset);
  }
}
