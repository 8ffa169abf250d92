import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { encodeNpyHeader } from '../../../src/sinks/npy/npy-header.ts';
import {
  readJson,
  readJsonl,
  readNpySingle,
  readVectorStore,
  type FileEmbedding,
  type ReadEmbeddingsOptions,
} from '../../../src/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'embedstream-readers-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

let files = 0;
function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, `${files++}-${name}`);
  writeFileSync(path, content);
  return path;
}

const ROWS = [
  { object_id: 1, embedding: [1, 0.5], timestamp: '2026-11-21T00:00:00.000Z', model: 'm', dimension: 2 },
  { object_id: 'b', embedding: [0.1, -2], timestamp: '2026-11-21T00:00:00.000Z', model: 'm', dimension: 2 },
];
const LINES = ROWS.map((row) => `${JSON.stringify(row)}\n`).join('');
const DOCUMENT = { version: '1.0', model: 'm', dimensions: 2, count: 2, created: '2026-11-21', embeddings: ROWS };

async function idsOf(rows: AsyncIterable<FileEmbedding>): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of rows) ids.push(id);
  return ids;
}

describe('readers of files that people exchange', () => {
  it.each([
    ['x.jsonl', LINES],
    ['x.jsonl.gz', Buffer.concat([gzipSync(LINES.slice(0, 30)), gzipSync(LINES.slice(30))])],
    ['x.jsonl.zst', Buffer.concat([zstdCompressSync(LINES.slice(0, 30)), zstdCompressSync(LINES.slice(30))])],
  ])('read lines of %s, also of several members', async (name, content) => {
    const rows: FileEmbedding[] = [];
    for await (const row of readJsonl(write(name, content), { model: 'm', dimension: 2 })) rows.push(row);
    expect(rows).toEqual([
      { id: '1', vector: Float32Array.of(1, 0.5), metadata: new Map(), model: 'm', createdAt: Date.UTC(2026, 10, 21) },
      { id: 'b', vector: Float32Array.of(0.1, -2), metadata: new Map(), model: 'm', createdAt: Date.UTC(2026, 10, 21) },
    ]);
  });

  it('read a matrix with its rows', async () => {
    const stem = join(folder, 'matrix');
    const vectors = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);
    writeFileSync(`${stem}.npy`, Buffer.concat([encodeNpyHeader('<f4', 2, 2), vectors]));
    writeFileSync(`${stem}.jsonl`, '{"paper_id":"p","paragraph_index":0}\n{"paper_id":"p","paragraph_index":1}\n');
    writeFileSync(`${stem}.metadata.json`, '{"model_name":"m","embedding_dim":2,"num_paragraphs":2}');
    expect(await idsOf(readNpySingle(`${stem}.npy`, { model: 'm' }))).toEqual(['p#0', 'p#1']);
    await expect(idsOf(readNpySingle(`${stem}.npy`, { model: 'n' }))).rejects.toMatchObject({ code: 'IMPORT_MODEL' });
    writeFileSync(`${stem}.metadata.json`, '{"num_paragraphs":3}');
    await expect(idsOf(readNpySingle(`${stem}.npy`))).rejects.toMatchObject({ code: 'IMPORT_NPY_ROWS' });
  });

  it('begin before the end of the file is there', async () => {
    const rows = readJsonl(write('x.jsonl', `${LINES}{"object_id":`));
    expect((await rows.next()).value).toMatchObject({ id: '1' });
    await rows.return(undefined);
  });

  it.each<[string, unknown, ReadEmbeddingsOptions, string]>([
    ['another version', { ...DOCUMENT, version: '2.0' }, {}, 'IMPORT_VERSION'],
    ['no version', { ...DOCUMENT, version: undefined }, {}, 'IMPORT_VERSION'],
    ['another model', DOCUMENT, { model: 'n' }, 'IMPORT_MODEL'],
    ['another dimension', DOCUMENT, { dimension: 3 }, 'IMPORT_DIMENSION'],
    ['a row of another model', { ...DOCUMENT, embeddings: [{ ...ROWS[0], model: 'n' }] }, {}, 'IMPORT_MODEL'],
    ['a row of another length', { ...DOCUMENT, embeddings: [{ id: 'a', vector: [1] }] }, {}, 'IMPORT_DIMENSION'],
    ['another count', { ...DOCUMENT, count: 3 }, {}, 'IMPORT_COUNT'],
    ['a row without an id', { ...DOCUMENT, embeddings: [{ vector: [1, 2] }] }, {}, 'IMPORT_NO_ID'],
    ['a number beyond float32', { ...DOCUMENT, embeddings: [{ id: 'a', vector: [1, 1e39] }] }, {}, 'IMPORT_NOT_FINITE'],
    ['a vector of text', { ...DOCUMENT, embeddings: [{ id: 'a', vector: ['1', '2'] }] }, {}, 'IMPORT_BAD_VECTOR'],
  ])('refuse %s', async (_, document, options, code) => {
    const path = write('x.json', JSON.stringify(document));
    await expect(idsOf(readJson(path, options))).rejects.toMatchObject({ code });
  });

  it.each([
    ['a cut document', JSON.stringify(DOCUMENT).slice(0, -40), 'IMPORT_TRUNCATED'],
    [
      'what is no JSON between rows',
      '{"version":"1.0","embeddings":[{"id":"a","vector":[1]} oops]}',
      'IMPORT_BAD_JSON',
    ],
    ['nothing', '', 'IMPORT_EMPTY'],
    ['a cut gzip', gzipSync(JSON.stringify(DOCUMENT)).subarray(0, 60), 'IMPORT_CORRUPT'],
  ])('refuse %s', async (_, content, code) => {
    await expect(idsOf(readJson(write('x.json', content)))).rejects.toMatchObject({ code });
  });

  it('refuse a bad line, and tell which', async () => {
    const path = write('x.jsonl', `${LINES}{"object_id":3,"embedding":[NaN,1]}\n`);
    await expect(idsOf(readJsonl(path))).rejects.toMatchObject({
      code: 'IMPORT_NOT_FINITE',
      message: expect.stringContaining('x.jsonl:3') as string,
    });
  });

  it('refuse a file of another form, and one that is not there', async () => {
    await expect(idsOf(readVectorStore(write('x.json', JSON.stringify(DOCUMENT))))).rejects.toThrow(
      /is JSON v1.0, not/,
    );
    await expect(idsOf(readJson(join(folder, 'none.json')))).rejects.toThrow(/There is no file or folder/);
    await expect(idsOf(readJson(join(folder, '*.json')))).rejects.toThrow(/pattern without quotes/);
    await expect(idsOf(readJson('s3://me:geheim@bucket/a.json'))).rejects.toThrow(/^(?!.*geheim).*fetch them first/);
  });
});
