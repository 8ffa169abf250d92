import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createMemoryLog } from '../../../src/log/memory/memory-log.ts';
import { createPdfFormat } from '../../../src/producers/pdf/pdf-format.ts';
import type { Source } from '../../../src/producers/port.ts';
import { codec, latestValues, publishRows, topics } from '../../pipeline-fixtures.ts';
import { lines, makePdf } from './make-pdf.ts';

const folder = mkdtempSync(join(tmpdir(), 'embedstream-pdf-publish-'));
const format = createPdfFormat({ processes: 1 });

afterAll(async () => {
  await format.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A source that is one document with these pages, each one chunk. */
async function documentOf(pages: readonly string[]): Promise<Source> {
  const path = join(folder, 'report.pdf');
  const pdf = makePdf({ pages: pages.map((text) => ({ content: lines([text]) })) });
  writeFileSync(path, pdf);
  const file = { path, name: 'report.pdf', bytes: pdf.length, modifiedMs: 0 };
  return { name: 'report', location: path, ...(await format.open(file, { split: 'page' })) };
}

test('chunks of a document are published once, and those it no longer has are deleted without being asked', async () => {
  const log = createMemoryLog();
  const publishPages = async (pages: readonly string[]): Promise<unknown> => {
    const { created, changed, unchanged, pruned, vanished, deadLettered } = await publishRows(log, [], {
      source: await documentOf(pages),
    });
    return { created, changed, unchanged, pruned, vanished, deadLettered };
  };
  const nothing = { created: 0, changed: 0, unchanged: 0, pruned: 0, vanished: 0, deadLettered: 0 };
  const texts = async (): Promise<unknown> =>
    [...(await latestValues(log, topics.records))].map(([id, value]) => {
      const { text, page, chunk } = codec.decodeSourceRecord(value);
      return [id, text, page, chunk];
    });

  expect(await publishPages(['one', 'two', 'three', 'four'])).toEqual({ ...nothing, created: 4 });
  expect(await publishPages(['one', 'two', 'three', 'four'])).toEqual({ ...nothing, unchanged: 4 });
  expect(await publishPages(['one', 'changed'])).toEqual({ ...nothing, unchanged: 1, changed: 1, pruned: 2 });
  expect(await texts()).toEqual([
    ['report.pdf#1', 'one', 1, 1],
    ['report.pdf#2', 'changed', 2, 2],
  ]);
  // It yields nothing now: what there was is kept until someone prunes.
  expect(await publishPages([' '])).toEqual({ ...nothing, deadLettered: 1, vanished: 2 });
  expect(await publishPages(['one', 'changed', 'three'])).toEqual({ ...nothing, unchanged: 2, created: 1 });
});
