import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { pythonEnvironment, runPython } from '../../python/environment.ts';
import { newFolder, readAll, write } from './fixture.ts';

const ROWS = 40;
const DIMENSION = 6;
const FORMS = [
  ...['batches', 'batches.tar.gz', 'document.json', 'sorted.json', 'store.json', 'store.jsonl'],
  ...['npy-f4', 'npy-f8', 'npy-big', 'npy-f2', 'list.parquet', 'fixed.parquet', 'polars.parquet'],
];

interface Written {
  readonly vectors: number[][];
  readonly ids: string[];
  readonly texts: string[];
}

const environment = await pythonEnvironment();

describe.skipIf('missing' in environment)('files that Python has written', () => {
  let folder: string;
  let written: Written;

  beforeAll(async () => {
    folder = join(tmpdir(), `embedstream-import-python-${process.pid}`);
    mkdirSync(folder, { recursive: true });
    if ('missing' in environment) return;
    const args = [folder, String(ROWS), String(DIMENSION)];
    written = (await runPython(environment.python, 'make_embeddings.py', args)) as Written;
    return async () => {
      const { rm } = await import('node:fs/promises');
      await rm(folder, { recursive: true, force: true });
    };
  });

  it.each(FORMS)('%s: every vector is the one that was written', async (form) => {
    const { rows, faults } = await readAll(join(folder, form));
    expect(faults).toEqual([]);
    expect(rows).toHaveLength(ROWS);
    const tolerance = form === 'npy-f2' ? 2e-3 : 0;
    for (const [i, { vector }] of rows.entries())
      for (const [j, value] of vector.entries())
        expect(Math.abs(value - (written.vectors[i]?.[j] ?? NaN))).toBeLessThanOrEqual(tolerance);
  });

  it('ids, texts, metadata and times are those that were written', async () => {
    const [batch] = (await readAll(join(folder, 'batches'))).rows;
    expect(batch).toMatchObject({
      ...{ id: '1000', model: 'org/foreign-model', dimension: DIMENSION, createdAt: Date.UTC(2026, 2, 1, 12) },
      metadata: new Map(),
    });
    const [document] = (await readAll(join(folder, 'document.json'))).rows;
    expect(document).toMatchObject({ id: written.ids[0], text: written.texts[0] });
    const [stored] = (await readAll(join(folder, 'store.json'))).rows;
    expect(Object.fromEntries(stored?.metadata ?? [])).toEqual({
      ...{ year: 1900, tags: '["a","b"]', 'place.city': 'Köln', 'place.lat': 50.9, public: true },
    });
    const paragraph = (await readAll(join(folder, 'npy-f4'))).rows[4];
    expect(paragraph).toMatchObject({ id: 'astro-ph/1#1', text: written.texts[4] });
    const columns = (await readAll(join(folder, 'list.parquet'))).rows[5];
    expect(columns).toMatchObject({ id: written.ids[5], text: written.texts[5], metadata: new Map([['year', 1905]]) });
    expect((await readAll(join(folder, 'polars.parquet'))).rows[5]?.id).toBe('5');
  });

  it('a tar leads nowhere but into the archive', async () => {
    const before = readdirSync(tmpdir()).filter((name) => name === 'evil.jsonl');
    const { rows, faults, skipped } = await readAll(join(folder, 'evil.tar'));
    expect(rows.map(({ id }) => id)).toEqual(written.ids.slice(0, 2));
    expect(faults.map(({ code }) => code)).toEqual(['IMPORT_TAR_PATH', 'IMPORT_TAR_PATH']);
    expect(skipped).toEqual(['evil.tar/link.jsonl']);
    expect(readdirSync(tmpdir()).filter((name) => name === 'evil.jsonl')).toEqual(before);
  });

  it.each([...FORMS.filter((form) => /\.|^batches$/.test(form)), 'evil.tar'].filter((form) => form !== 'batches'))(
    '%s cut at every 1/16: no crash, what is read was written, and what is missing is told',
    async (form) => {
      const whole = readFileSync(join(folder, form));
      const all = new Set((await readAll(join(folder, form))).rows.map(({ id }) => id));
      const place = newFolder();
      for (let part = 0; part < 16; part++) {
        const path = write(place, `${part}-${form}`, whole.subarray(0, Math.floor((whole.length * part) / 16)));
        const { rows, faults, skipped } = await readAll(path);
        expect([...rows.map(({ id }) => id)].every((id) => all.has(id))).toBe(true);
        // Lines that are cut at a line's end are a whole file.
        if (rows.length < all.size && !form.endsWith('.jsonl'))
          expect(faults.length + skipped.length).toBeGreaterThan(0);
      }
    },
  );

  // A bit at the wrong place ends the WebAssembly that reads Parquet, which must not be the end of the run.
  it.each(['list.parquet', 'fixed.parquet', 'document.json', 'batches.tar.gz'])(
    '%s with a bit that is wrong: the next file is read as ever',
    async (form) => {
      const whole = readFileSync(join(folder, form));
      const place = newFolder();
      for (let i = 0; i < 12; i++) {
        const bytes = Buffer.from(whole);
        const at = Math.floor(((i + 0.37) / 12) * bytes.length);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << (i % 8));
        const { rows } = await readAll(write(place, form, bytes));
        expect(rows.length).toBeLessThanOrEqual(ROWS);
      }
      expect((await readAll(join(folder, form))).rows).toHaveLength(ROWS);
    },
    30_000,
  );
});

describe('files made here', () => {
  const rows = [
    { id: 'a', vector: [1, 2] },
    { id: 'b', vector: [3, 4] },
  ];
  const lines = rows.map((row) => JSON.stringify(row)).join('\r\n');

  it.each([
    ['plain', (text: string) => text],
    ['gzip', (text: string) => gzipSync(text)],
    ['zstd', (text: string) => zstdCompressSync(text)],
    ['with a byte order mark', (text: string) => `\uFEFF${text}`],
  ])('JSON Lines, %s', async (_, pack) => {
    const { rows: found, faults } = await readAll(write(newFolder(), 'x.jsonl', pack(lines)));
    expect(faults).toEqual([]);
    expect(found.map(({ id, vector }) => [id, [...vector]])).toEqual([
      ['a', [1, 2]],
      ['b', [3, 4]],
    ]);
  });

  it('a line of 40 MB is one fault, and what follows is read', async () => {
    const long = `{"id":"long","text":"${'x'.repeat(40_000_000)}"}`;
    const { rows: found, faults } = await readAll(write(newFolder(), 'x.jsonl', `${long}\n${lines}`));
    expect(faults).toMatchObject([{ code: 'IMPORT_ROW_TOO_LARGE', row: 1 }]);
    expect(found.map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it('composes ids, and follows dotted paths', async () => {
    const nested = JSON.stringify({ at: { paper: 'p' }, part: 3, body: { text: 'words' }, vector: [1] });
    const path = write(newFolder(), 'x.jsonl', nested);
    const { rows: found } = await readAll(path, { id: ['at.paper', 'part'], text: 'body.text' });
    expect(found).toMatchObject([{ id: 'p#3', text: 'words' }]);
  });

  it('a matrix and its rows must be as many', async () => {
    const folder = newFolder();
    const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }".padEnd(117) + '\n';
    const head = Buffer.concat([Buffer.from('\x93NUMPY\x01\x00\x76\x00', 'latin1'), Buffer.from(header)]);
    const path = write(folder, 'm.npy', Buffer.concat([head, Buffer.from(Float32Array.of(1, 2, 3, 4).buffer)]));
    write(folder, 'm.jsonl', '{"id":1}\n\n{"id":2}\n');
    expect((await readAll(path)).rows.map(({ id, vector }) => [id, ...vector])).toEqual([
      ['1', 1, 2],
      ['2', 3, 4],
    ]);
    write(folder, 'm.jsonl', '{"id":1}\n');
    expect((await readAll(path)).faults).toMatchObject([{ code: 'IMPORT_NPY_ROWS' }]);
    write(folder, 'm.jsonl', '{"id":1}\n{"id":2}\n');
    writeFileSync(path, readFileSync(path).subarray(0, -4));
    const cut = await readAll(path);
    expect(cut.rows).toHaveLength(1);
    expect(cut.faults).toMatchObject([{ code: 'IMPORT_TRUNCATED' }]);
  });

  it('a folder is read by name, without what is hidden, no file, or of another kind', async () => {
    const folder = newFolder();
    write(folder, 'b.jsonl', '{"id":"b","vector":[1]}');
    write(folder, "a 'quoted' ü.jsonl", '{"id":"a","vector":[1]}');
    write(folder, 'deep/er/c.jsonl', '{"id":"c","vector":[1]}');
    write(folder, '.hidden.jsonl', '{"id":"hidden","vector":[1]}');
    write(folder, '_manifest.json', '{}');
    write(folder, 'notes.txt', 'text');
    mkdirSync(join(folder, 'folder.jsonl'));
    symlinkSync(folder, join(folder, 'loop'));
    const { rows: found, faults, skipped } = await readAll(folder);
    expect(found.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    expect(faults).toEqual([]);
    expect(skipped.toSorted()).toEqual(['loop', 'notes.txt']);
  });
});
