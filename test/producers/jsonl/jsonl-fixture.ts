import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { openJsonl } from '../../../src/producers/jsonl/jsonl-source.ts';
import type { OpenFile, FormatOptions } from '../../../src/producers/port.ts';
import { readAll, type ReadResult } from '../csv/csv-fixture.ts';

/** A folder for the files of one test file, removed at its end. */
export function jsonlFolder(): {
  readonly open: (content: string | Uint8Array, options?: FormatOptions, name?: string) => Promise<OpenFile>;
  readonly read: (content: string | Uint8Array, options?: FormatOptions, name?: string) => Promise<ReadResult>;
} {
  const folder = mkdtempSync(join(tmpdir(), 'jsonl-'));
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const open = (content: string | Uint8Array, options: FormatOptions = {}, name = 'lines.jsonl') => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return openJsonl({ path, name, bytes: content.length, modifiedMs: 0 }, options);
  };
  return { open, read: async (...given) => readAll(await open(...given)) };
}
