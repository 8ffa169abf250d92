import { openBytes, type ImportFile } from './import-file.ts';
import { splitLines } from './lines.ts';
import type { ImportFault, ImportRow } from './row.ts';

/** A line that says nothing has neither. */
interface RowKey {
  readonly id?: string;
  readonly offset?: number;
}

/** The lines `{id, offset}` of a file beside our own JSON Lines: of its rows, or of deletions. */
export async function* readRowKeys(file: ImportFile): AsyncGenerator<readonly RowKey[]> {
  for await (const lines of splitLines(await openBytes(file))) yield lines.map(({ bytes }) => keyOf(bytes));
}

/** Gives the rows of a file, in order, the offsets that are listed for them. */
export class LineOffsets {
  readonly #batches: AsyncGenerator<readonly RowKey[]>;
  #keys: readonly RowKey[] = [];
  #at = 0;

  constructor(keys: ImportFile) {
    this.#batches = readRowKeys(keys);
  }

  async addTo(rows: readonly (ImportRow | ImportFault)[]): Promise<(ImportRow | ImportFault)[]> {
    const result: (ImportRow | ImportFault)[] = [];
    for (const row of rows) {
      const key = await this.#next();
      // Lines that were changed by hand are rows like any others.
      const isListed = row.kind === 'row' && key?.id === row.id && key.offset !== undefined;
      result.push(isListed ? { ...row, offset: key.offset } : row);
    }
    return result;
  }

  async #next(): Promise<RowKey | undefined> {
    while (this.#at === this.#keys.length) {
      const next = await this.#batches.next();
      if (next.done === true) return undefined;
      this.#keys = next.value;
      this.#at = 0;
    }
    return this.#keys[this.#at++];
  }
}

function keyOf(bytes: Buffer): RowKey {
  try {
    const { id, offset } = JSON.parse(bytes.toString()) as Record<string, unknown>;
    return { ...(typeof id === 'string' && { id }), ...(typeof offset === 'number' && { offset }) };
  } catch {
    return {};
  }
}
