import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deflateRawSync, deflateSync, constants } from 'node:zlib';
import { extractText } from 'unpdf';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { createPdfFormat, type PdfFormatOptions } from '../../../src/producers/pdf/pdf-format.ts';
import type { FormatOptions, NumberedIds, SourceBatch, SourceFault, SourceItem } from '../../../src/producers/port.ts';
import { FIRST_OWN_OBJECT, lines, makePdf, type PdfObject } from './make-pdf.ts';
import { paragraphs } from './texts.ts';

const folder = mkdtempSync(join(tmpdir(), 'embedstream-pdf-'));
const formats: ReturnType<typeof createPdfFormat>[] = [];

afterEach(async () => {
  for (const format of formats.splice(0)) await format.close();
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function format(options: PdfFormatOptions = {}): ReturnType<typeof createPdfFormat> {
  const made = createPdfFormat({ processes: 1, ...options });
  formats.push(made);
  return made;
}

interface Result {
  readonly items: SourceItem[];
  readonly faults: SourceFault[];
  readonly numbered: NumberedIds[];
  readonly bytesRead: number;
  readonly unreadFiles: string[];
}

async function collect(batches: AsyncIterable<SourceBatch>): Promise<Result> {
  const result = {
    items: [] as SourceItem[],
    faults: [] as SourceFault[],
    numbered: [] as NumberedIds[],
    bytesRead: 0,
    unreadFiles: [] as string[],
  };
  for await (const batch of batches) {
    for (const item of batch.items) {
      if (item.kind === 'item') result.items.push(item);
      else result.faults.push(item);
    }
    result.numbered.push(...(batch.numbered ?? []));
    expect(batch.bytesRead).toBeGreaterThanOrEqual(result.bytesRead);
    result.bytesRead = batch.bytesRead;
    result.unreadFiles.push(...(batch.unreadFiles ?? []));
  }
  return result;
}

interface Wish {
  readonly using?: ReturnType<typeof createPdfFormat>;
  readonly name?: string;
  readonly options?: FormatOptions;
  readonly signal?: AbortSignal;
}

let written = 0;
async function read(pdf: Uint8Array, wish: Wish = {}): Promise<Result> {
  const { using = format(), name = 'a folder/document.pdf', options = {}, signal } = wish;
  const path = join(folder, `${++written}.pdf`);
  writeFileSync(path, pdf);
  const open = await using.open(
    { path, name, location: `in/${name}`, bytes: pdf.length, modifiedMs: 0, ...(signal && { signal }) },
    options,
  );
  return collect(open.read(signal));
}

const chapters = (count: number): Buffer =>
  makePdf({
    info: '/Title (Vessels) /Author (Ann) /CreationDate (D:20240102030405Z)',
    pages: Array.from({ length: count }, (_, page) => ({
      content: lines(
        paragraphs(page)
          .replace(/[^\n -~]/g, '-')
          .split('\n'),
      ),
    })),
    compress: true,
  });

/** A stand-in for the process, with what it does when asked to read. */
function script(name: string, whenAsked: string): URL {
  const path = join(folder, `${name}.mjs`);
  writeFileSync(path, `process.on('message', (request) => { ${whenAsked} });\nprocess.send({ kind: 'ready' });\n`);
  return new URL(`file://${path}`);
}

/** Forms that each draw the next one ten times: 10^12 words. */
const laughs = (): Buffer => {
  const depth = 9;
  const objects = Array.from({ length: depth }, (_, level): PdfObject => {
    const font = '/Font << /F1 3 0 R >>';
    const head = '/Type /XObject /Subtype /Form /BBox [0 0 600 800]';
    return level === depth - 1
      ? { dictionary: `${head} /Resources << ${font} >>`, stream: Buffer.from(lines(['ha'])) }
      : {
          dictionary: `${head} /Resources << /XObject << /N ${FIRST_OWN_OBJECT + level + 1} 0 R >> >>`,
          stream: Buffer.from('/N Do '.repeat(20)),
        };
  });
  return makePdf({ objects, pages: [{ content: '/N Do', resources: `/XObject << /N ${FIRST_OWN_OBJECT} 0 R >>` }] });
};

describe('a document', () => {
  test('becomes chunks with ids that count on, pages, and what it says of itself', async () => {
    const pdf = chapters(6);
    const { items, faults, numbered, bytesRead } = await read(pdf);
    expect(faults).toEqual([]);
    expect(items.length).toBeGreaterThan(6);
    expect(items.map(({ id }) => id)).toEqual(items.map((_, index) => `a folder/document.pdf#${index + 1}`));
    expect(items.map(({ chunk, line }) => [chunk, line])).toEqual(items.map((_, index) => [index + 1, index + 1]));
    expect(items.map(({ page }) => page)).toEqual([...items.map(({ page }) => page!)].sort((a, b) => a - b));
    expect(new Set(items.map(({ page }) => page)).size).toBe(6);
    expect(items.every(({ text }) => text!.length <= 500)).toBe(true);
    const [first] = items;
    expect(Object.fromEntries(first!.metadata)).toEqual({
      source: 'a folder/document.pdf',
      page: 1,
      chunk: 1,
      title: 'Vessels',
      author: 'Ann',
      created: '2024-01-02T03:04:05.000Z',
    });
    expect(numbered).toEqual([{ prefix: 'a folder/document.pdf#', count: items.length }]);
    expect(bytesRead).toBe(pdf.length);
  });

  test('is the same every time it is read', async () => {
    const using = format();
    const pdf = chapters(3);
    expect(await read(pdf, { using })).toEqual(await read(pdf, { using }));
  });

  test('says where a chunk runs over its page', async () => {
    const pdf = makePdf({ pages: [{ content: lines(['begins here']) }, { content: lines(['ends here']) }] });
    const { items } = await read(pdf);
    expect(items).toMatchObject([{ text: 'begins here\n\nends here', page: 1 }]);
    expect(items[0]!.metadata.get('lastPage')).toBe(2);
  });

  test('is split as asked, with the metadata asked for', async () => {
    const pdf = makePdf({ pages: [{ content: lines(['one two three four']) }, { content: lines(['five']) }] });
    const pages = await read(pdf, { options: { split: 'page', metadata: ['page'] } });
    expect(pages.items.map(({ text, metadata }) => [text, ...metadata])).toEqual([
      ['one two three four', ['page', 1]],
      ['five', ['page', 2]],
    ]);
    const small = await read(pdf, { options: { chunkSize: 9, chunkOverlap: 0, metadata: 'none' } });
    expect(small.items.map(({ text, metadata }) => [text, metadata.size])).toEqual([
      ['one two', 0],
      ['three', 0],
      ['four', 0],
      ['five', 0],
    ]);
    const tokens = await read(pdf, { options: { split: 'token', chunkSize: 3, chunkOverlap: 0 } });
    expect(tokens.items.map(({ text }) => text)).toEqual(['one two three', 'four', 'five']);
    await expect(read(pdf, { options: { split: 'line' } })).rejects.toThrow(/split/);
  });

  test('of thousands of chunks comes in batches, while its reader waits to be asked', async () => {
    const page = { content: lines(Array.from({ length: 50 }, () => 'word '.repeat(16))) };
    const pdf = makePdf({ pages: Array.from({ length: 100 }, () => page) });
    const { items } = await read(pdf, { options: { chunkSize: 20, chunkOverlap: 0 } });
    expect(items).toHaveLength(100 * 50 * 4);
    expect(items.every(({ text }) => text === 'word word word word')).toBe(true);
  });

  test('that is recognised by its first bytes, or by its name', () => {
    const pdfs = format();
    expect(pdfs.sniff(Buffer.from('%PDF-1.4\n'), 'whatever.csv')).toBe('certain');
    expect(pdfs.sniff(Buffer.from('<html>'), 'A.PDF')).toBe('likely');
    expect(pdfs.sniff(Buffer.from('id,title\n1,%PDF-1.4'), 'a.csv')).toBe('no');
    expect(pdfs.sniff(Buffer.alloc(0), '')).toBe('no');
  });
});

describe('a document that can not be read becomes a dead letter of its bytes', () => {
  test('that says what it is', async () => {
    const pdf = makePdf({ pages: [{ content: lines(['x']) }], encrypt: { method: 'aes256', userPassword: 'secret' } });
    const { items, faults, numbered, bytesRead, unreadFiles } = await read(pdf);
    expect(items).toEqual([]);
    expect(unreadFiles).toEqual(['a folder/document.pdf']);
    expect(numbered).toEqual([]);
    expect(faults).toEqual([
      {
        kind: 'fault',
        code: 'PDF_ENCRYPTED',
        reason: 'in/a folder/document.pdf is encrypted: it opens with a password only. Save it without a password.',
        line: 0,
        raw: pdf,
      },
    ]);
    expect(bytesRead).toBe(pdf.length);
  });

  test('the first of them, where they are more than a dead letter holds', async () => {
    const large = Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.alloc(10_000_000, 'x')]);
    const { faults } = await read(large);
    expect(faults).toMatchObject([{ code: 'PDF_TRUNCATED' }]);
    expect(faults[0]!.raw.length).toBeLessThan(8 * 2 ** 20);
    expect(faults[0]!.reason).toMatch(/Its first 8323072 of 10000009 bytes are kept here/);
  });

  test('beside its chunks, where only some of its pages are broken', async () => {
    const pages = [{ content: lines(['one']) }, { content: lines(['two']) }];
    const { items, faults, numbered, unreadFiles } = await read(makePdf({ pages, kids: '16 0 R 99 0 R' }));
    expect(unreadFiles).toEqual(['a folder/document.pdf']);
    expect(items.map(({ text }) => text)).toEqual(['one']);
    expect(faults).toMatchObject([
      { code: 'PDF_PAGES_UNREADABLE', reason: expect.stringContaining('page 2') as string },
    ]);
    // What is behind was not read: it must not count as gone.
    expect(numbered).toEqual([]);
  });

  test('its name is too long for ids', async () => {
    const { faults } = await read(chapters(1), { name: `${'ä'.repeat(520)}.pdf` });
    expect(faults).toMatchObject([{ code: 'PDF_NAME_TOO_LONG' }]);
  });

  test('it is larger than the limit', async () => {
    const { faults } = await read(chapters(1), { using: format({ limits: { maxFileBytes: 100 } }) });
    expect(faults).toMatchObject([{ code: 'PDF_TOO_LARGE' }]);
  });

  test('a file that is gone is a fault of the world', async () => {
    const using = format();
    const open = await using.open({ path: join(folder, 'gone.pdf'), name: 'gone.pdf', bytes: 9, modifiedMs: 0 }, {});
    await expect(collect(open.read())).rejects.toMatchObject({ code: 'SOURCE_READ_FAILED', poison: false });
  });
});

describe('a document that would take the run down is ended, and the next one is read', () => {
  /** Content that is packed twice, and is four gigabytes of spaces. */
  const bomb = (): Buffer => {
    const block = deflateRawSync(Buffer.alloc(1 << 20, ' '), { finishFlush: constants.Z_FULL_FLUSH });
    const inner = Buffer.concat([Buffer.from([0x78, 0x9c]), ...Array.from({ length: 4096 }, () => block)]);
    return makePdf({ pages: [{ content: deflateSync(inner), filter: '[/FlateDecode /FlateDecode]' }] });
  };

  test('when a page of it takes too long', async () => {
    const using = format({ limits: { stallMs: 4000 } });
    const [bad, good] = await Promise.all([read(laughs(), { using }), read(chapters(1), { using })]);
    expect(bad.faults).toMatchObject([
      { code: 'PDF_TOO_SLOW', reason: expect.stringContaining('a page of it takes longer than 4 s') as string },
    ]);
    expect(good.items.length).toBeGreaterThan(0);
  });

  test('when all of it takes too long', async () => {
    const working = script('working', `setInterval(() => process.send({ kind: 'progress' }), 10)`);
    const using = format({ script: working, limits: { stallMs: 5000, fileMs: 400 } });
    expect((await read(chapters(1), { using })).faults).toMatchObject([
      { code: 'PDF_TOO_SLOW', reason: expect.stringContaining('reading it takes longer than 0.4 s') as string },
    ]);
  });

  test('when it takes too much memory', async () => {
    const using = format({ limits: { maxRssBytes: 300 * 2 ** 20 } });
    const [bad, good] = await Promise.all([read(bomb(), { using }), read(chapters(1), { using })]);
    expect(bad.faults).toMatchObject([{ code: 'PDF_TOO_MUCH_MEMORY' }]);
    expect(good.items.length).toBeGreaterThan(0);
  });

  test('what others have left in a process does not count against a document', async () => {
    const swelling = script(
      'swelling',
      `if (request.kind !== 'read') return;
       if (globalThis.hasRead) process.kill(process.pid, 'SIGUSR2');
       globalThis.hasRead = true;
       process.send({ kind: 'document', facts: { pages: 1, chunks: 1, unreadablePages: [] } });
       process.send({ kind: 'chunks', chunks: [['text', 1, 1]] });
       process.send({ kind: 'done', rssBytes: 1 });`,
    );
    const using = format({ script: swelling });
    for (let document = 0; document < 3; document++) {
      const { items, faults } = await read(chapters(1), { using });
      expect(faults).toEqual([]);
      expect(items.map(({ text }) => text)).toEqual(['text']);
    }
  });

  test('when it fills the heap', async () => {
    const filling = script('filling', 'const all = []; for (;;) all.push({ all: [all.length] });');
    const { faults } = await read(chapters(1), { using: format({ script: filling }) });
    expect(faults).toMatchObject([{ code: 'PDF_TOO_MUCH_MEMORY' }]);
  });

  test('when its process dies each time', async () => {
    const { faults } = await read(chapters(1), { using: format({ script: script('dying', 'process.exit(3)') }) });
    expect(faults).toMatchObject([
      { code: 'PDF_READER_DIED', reason: expect.stringContaining('ended with code 3, 2 times') as string },
    ]);
  });

  test('a process that dies once, in the middle of its chunks, costs nothing', async () => {
    const marker = join(folder, 'died-once');
    const dying = script(
      'dying-once',
      `if (request.kind !== 'read') return;
       const facts = { pages: 1, chunks: 4, unreadablePages: [] };
       process.send({ kind: 'document', facts });
       process.send({ kind: 'chunks', chunks: [['a', 1, 1], ['b', 1, 1]] }, () => {
         if (!process.getBuiltinModule('node:fs').existsSync(${JSON.stringify(marker)})) {
           process.getBuiltinModule('node:fs').writeFileSync(${JSON.stringify(marker)}, '');
           process.exit(9);
         }
         process.send({ kind: 'chunks', chunks: [['c', 1, 1], ['d', 1, 1]] });
         process.send({ kind: 'done', rssBytes: 1 });
       });`,
    );
    const { items, faults } = await read(chapters(1), { using: format({ script: dying }) });
    expect(faults).toEqual([]);
    expect(items.map(({ id, text }) => `${id} ${text!}`)).toEqual(
      ['a', 'b', 'c', 'd'].map((text, index) => `a folder/document.pdf#${index + 1} ${text}`),
    );
    expect(readFileSync(marker, 'utf8')).toBe('');
  });

  test('a process that can not be started stops the run', async () => {
    const using = format({ script: new URL(`file://${join(folder, 'missing.mjs')}`) });
    await expect(read(chapters(1), { using })).rejects.toMatchObject({ code: 'PDF_READER_FAILED', poison: false });
  });
});

describe('several documents', () => {
  test('are read side by side, and cost the main process next to nothing', async () => {
    const pdf = chapters(40);
    const cpuMs = async (work: () => Promise<unknown>): Promise<number> => {
      const before = process.cpuUsage();
      await work();
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    };
    const bare = (): Promise<unknown> => extractText(Uint8Array.from(pdf));
    await bare();
    const here = await cpuMs(async () => {
      for (let copy = 0; copy < 8; copy++) await bare();
    });
    const using = format({ processes: 2 });
    let results: Result[] = [];
    const there = await cpuMs(async () => {
      results = await Promise.all(Array.from({ length: 8 }, (_, index) => read(pdf, { using, name: `${index}.pdf` })));
    });
    for (const [index, { items, faults }] of results.entries()) {
      expect(faults).toEqual([]);
      expect(items).toHaveLength(results[0]!.items.length);
      expect(items.every(({ id }) => id.startsWith(`${index}.pdf#`))).toBe(true);
    }
    expect(there).toBeLessThan(here / 3);
  });

  test('an abort ends the one that is read and those that wait', async () => {
    const using = format({ script: script('silent', '') });
    const stop = new AbortController();
    const reads = [1, 2, 3].map(() => read(chapters(1), { using, signal: stop.signal }));
    const outcomes = Promise.allSettled(reads);
    stop.abort(new Error('stopped'));
    for (const outcome of await outcomes)
      expect(outcome).toMatchObject({ status: 'rejected', reason: { message: 'stopped' } });
  });

  test('one that is no longer wanted makes room for the next', async () => {
    const using = format();
    const path = join(folder, 'long.pdf');
    const pdf = chapters(3);
    writeFileSync(path, pdf);
    const open = await using.open({ path, name: 'long.pdf', bytes: pdf.length, modifiedMs: 0 }, { chunkSize: 10 });
    for await (const batch of open.read()) {
      expect(batch.items.length).toBeGreaterThan(0);
      break;
    }
    expect((await read(chapters(1), { using })).items.length).toBeGreaterThan(0);
  });

  test('one that is asked for first is read first, whatever waits to be taken', async () => {
    const using = format();
    const page = { content: lines(Array.from({ length: 50 }, () => 'word '.repeat(16))) };
    const pdf = makePdf({ pages: Array.from({ length: 100 }, () => page) });
    const opened = await Promise.all(
      Array.from({ length: 6 }, (_, index) => {
        const path = join(folder, `queued-${index}.pdf`);
        writeFileSync(path, pdf);
        const file = { path, name: `${index}.pdf`, bytes: pdf.length, modifiedMs: 0 };
        return using.open(file, { chunkSize: 20, chunkOverlap: 0 });
      }),
    );
    // Each has more chunks than its process may send before somebody takes them.
    for (const open of opened.reverse()) expect((await collect(open.read())).items).toHaveLength(20_000);
  });

  test('one that is opened and forgotten keeps no process alive', async () => {
    const path = join(folder, 'forgotten.pdf');
    writeFileSync(path, laughs());
    const fixture = join(import.meta.dirname, 'forgetful-fixture.ts');
    const args = ['--disable-warning=ExperimentalWarning', fixture, path];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 15_000 });
    expect(stdout).toMatch(/^chunks of up to 500/);
  });
});
