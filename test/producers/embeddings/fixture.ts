import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { ImportSet } from '../../../src/producers/embeddings/import-set.ts';
import { openReader, type ReaderOptions } from '../../../src/producers/embeddings/open-reader.ts';
import type { ImportFault, ImportRow } from '../../../src/producers/embeddings/row.ts';

/** A folder that is removed when the test has ended. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'embedstream-import-test-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

export function write(folder: string, name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

export interface ReadAll {
  readonly rows: readonly ImportRow[];
  readonly faults: readonly Pick<ImportFault, 'code' | 'reason' | 'row'>[];
  readonly skipped: readonly string[];
}

/** All rows of a path; a file that can't be opened is a fault, as for the importer. */
export async function readAll(path: string, options: ReaderOptions = {}): Promise<ReadAll> {
  const set = new ImportSet([path]);
  const rows: ImportRow[] = [];
  const faults: Pick<ImportFault, 'code' | 'reason' | 'row'>[] = [];
  const skipped: string[] = [];
  try {
    for await (const unit of set.units()) {
      if (unit.kind === 'fault') faults.push(unit.fault);
      if (unit.kind === 'skipped') skipped.push(unit.name);
      if (unit.kind !== 'file' && unit.kind !== 'npy') continue;
      try {
        const reader = await openReader(unit, options);
        if (reader === undefined) skipped.push(unit.file.name);
        else
          for await (const batch of reader.read())
            for (const row of batch.rows)
              if (row.kind === 'row') rows.push({ ...row, vector: row.vector.slice() });
              else faults.push(row);
      } catch (error) {
        const { code, poison, message } = error as { code: string; poison: boolean; message: string };
        if (!poison) throw error;
        faults.push({ code, reason: message, row: 0 });
      }
    }
    return { rows, faults, skipped };
  } finally {
    await set.dispose();
  }
}
