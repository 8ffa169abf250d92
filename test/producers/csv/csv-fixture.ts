import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { openCsvSource } from '../../../src/producers/csv/csv-source.ts';
import type { CsvSourceOptions } from '../../../src/producers/csv/options.ts';
import type { OpenFile, Source } from '../../../src/producers/port.ts';

export interface ReadItem {
  readonly line: number;
  readonly id: string;
  readonly text: string | undefined;
  readonly metadata: Record<string, unknown>;
  readonly raw: Buffer;
}

export interface ReadFault {
  readonly line: number;
  readonly code: string;
  readonly reason: string;
  readonly raw: Buffer;
}

export interface ReadResult {
  readonly items: ReadItem[];
  readonly faults: ReadFault[];
  /** Item ids and fault codes in source order. */
  readonly order: string[];
  readonly filtered: number;
  readonly bytesRead: number;
}

export async function readAll(source: OpenFile): Promise<ReadResult> {
  const result = {
    items: [] as ReadItem[],
    faults: [] as ReadFault[],
    order: [] as string[],
    filtered: 0,
    bytesRead: 0,
  };
  for await (const batch of source.read()) {
    for (const item of batch.items) {
      const raw = Buffer.from(item.raw!);
      if (item.kind === 'fault') result.faults.push({ line: item.line, code: item.code, reason: item.reason, raw });
      else {
        const { line, id, text } = item;
        result.items.push({ line, id, text, metadata: Object.fromEntries(item.metadata), raw });
      }
      result.order.push(item.kind === 'fault' ? item.code : item.id);
    }
    result.filtered += batch.filtered;
    if (batch.bytesRead < result.bytesRead) throw new Error('bytesRead went backwards');
    result.bytesRead = batch.bytesRead;
  }
  return result;
}

/** A folder for the files of one test file, removed at its end. */
export function csvFolder(): {
  write(content: string | Uint8Array, name?: string): string;
  open(content: string | Uint8Array, options?: Omit<CsvSourceOptions, 'path'>): Promise<Source>;
  read(content: string | Uint8Array, options?: Omit<CsvSourceOptions, 'path'>): Promise<ReadResult>;
} {
  const folder = mkdtempSync(join(tmpdir(), 'csv-'));
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const write = (content: string | Uint8Array, name = 'table.csv'): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const openContent = (content: string | Uint8Array, options: Omit<CsvSourceOptions, 'path'> = {}): Promise<Source> =>
    openCsvSource({ path: write(content), ...options });
  return { write, open: openContent, read: async (content, options) => readAll(await openContent(content, options)) };
}
