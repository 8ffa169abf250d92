import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createMemoryLog } from '../../src/log/memory/memory-log.ts';
import { jsonlFormat } from '../../src/producers/jsonl/jsonl-format.ts';
import { openSource } from '../../src/producers/open-source.ts';
import { createPdfFormat } from '../../src/producers/pdf/pdf-format.ts';
import { latestValues, publishRows, topics } from '../pipeline-fixtures.ts';
import { lines, makePdf } from './pdf/make-pdf.ts';

const folder = mkdtempSync(join(tmpdir(), 'embedstream-prune-'));
const pdf = createPdfFormat({ processes: 1 });

afterAll(async () => {
  await pdf.close();
  rmSync(folder, { recursive: true, force: true });
});

const documentOf = (...pages: readonly string[]): Buffer =>
  makePdf({ pages: pages.map((text) => ({ content: lines([text]) })) });

test('what a document that can’t be read has published is kept, and what vanished beside it is pruned', async () => {
  const log = createMemoryLog();
  const write = (name: string, bytes: Buffer): void => {
    writeFileSync(join(folder, name), bytes);
  };
  const produce = async (): Promise<object> => {
    const source = await openSource(folder, { name: 'docs', formats: [pdf], split: 'page' });
    const report = await publishRows(log, [], { source, prune: true });
    const { created, unchanged, pruned, vanished, kept, partial } = report;
    return { created, unchanged, pruned, vanished, kept, partial };
  };
  const ids = async (): Promise<string[]> => [...(await latestValues(log, topics.records)).keys()].sort();
  const nothing = { created: 0, unchanged: 0, pruned: 0, vanished: 0, kept: 0, partial: false };

  write('a.pdf', documentOf('one', 'two', 'three'));
  // Its own name has a `#`, and it must not be taken for a part of a.pdf.
  write('a.pdf#9.pdf', documentOf('nine'));
  write('b.pdf', documentOf('one'));
  expect(await produce()).toEqual({ ...nothing, created: 5 });

  // Cut off, as by a copy that is still under way.
  write('a.pdf', documentOf('one', 'two', 'three').subarray(0, 300));
  rmSync(join(folder, 'a.pdf#9.pdf'));
  expect(await produce()).toEqual({ ...nothing, unchanged: 1, kept: 3, pruned: 1 });
  expect(await ids()).toEqual(['a.pdf#1', 'a.pdf#2', 'a.pdf#3', 'b.pdf#1']);

  // Read, and without a word: what it said has vanished.
  write('a.pdf', documentOf(' '));
  expect(await produce()).toEqual({ ...nothing, unchanged: 1, pruned: 3 });
  expect(await ids()).toEqual(['b.pdf#1']);
});

test('a table that can’t be read keeps everything: none of its records says which file it is from', async () => {
  const log = createMemoryLog();
  const tables = join(folder, 'tables');
  const produce = async (rowsOfB: string | undefined): Promise<unknown> => {
    rmSync(tables, { recursive: true, force: true });
    mkdirSync(tables);
    writeFileSync(join(tables, 'a.jsonl'), '{"id":"a","text":"words"}\n');
    writeFileSync(join(tables, 'b.jsonl'), rowsOfB ?? Buffer.from([0xff, 0xfe, 0x41, 0]));
    const source = await openSource(tables, { formats: [jsonlFormat] });
    const { pruned, kept, partial } = await publishRows(log, [], { source, prune: true });
    return { pruned, kept, partial };
  };
  await produce('{"id":"b","text":"words"}\n');
  expect(await produce(undefined)).toEqual({ pruned: 0, kept: 0, partial: true });
  expect(await produce('{"id":"c","text":"words"}\n')).toEqual({ pruned: 1, kept: 0, partial: false });
});
