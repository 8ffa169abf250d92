import { describe, expect, test } from 'vitest';
import { csvFolder } from './csv-fixture.ts';

const files = csvFolder();
const HEADER = 'id,title,year\n';

/** The table with good rows around what is tried. */
async function read(middle: string | Uint8Array, options: Parameters<typeof files.read>[1] = {}) {
  const bytes = Buffer.concat([Buffer.from(`${HEADER}first,a,1\n`), Buffer.from(middle), Buffer.from('\nlast,z,9\n')]);
  const result = await files.read(bytes, options);
  expect(result.order[0]).toBe('first');
  expect(result.order.at(-1)).toBe('last');
  return { ...result, order: result.order.slice(1, -1) };
}

describe('faults name file, line and bytes, and the rest goes on', () => {
  test.each([
    ['too few fields', 'x,b', 'CSV_RAGGED_ROW', /table\.csv:3: the row has 2 fields where the header has 3\./],
    ['a row that only lacks its last empty field', 'x,b ', 'CSV_RAGGED_ROW', /2 fields/],
    ['too many fields', 'x,b,2,,', 'CSV_RAGGED_ROW', /5 fields/],
    ['no id', ' ,b,2', 'CSV_MISSING_ID', /"id" \(column 1\), the id, is empty/],
    ['an id over 1,024 bytes', `${'ü'.repeat(513)},b,2`, 'CSV_ID_TOO_LONG', /1026 bytes/],
    ['no text', 'x, ,2', 'CSV_NO_TEXT', /no text: "title" is empty/],
    ['a NUL', 'x,b\0c,2', 'CSV_NUL', /NUL/],
    ['text behind a closing quote', 'x,"b" c,2', 'CSV_TEXT_AFTER_QUOTE', /"title" \(column 2\)/],
    ['quotes within quotes that are not doubled', 'x,"a "big" bowl",2', 'CSV_TEXT_AFTER_QUOTE', /"title"/],
  ])('%s', async (_, row, code, reason) => {
    const { faults, order } = await read(row);
    expect(order).toEqual([code]);
    expect(faults[0]).toMatchObject({ code, line: 3 });
    expect(faults[0]!.reason).toMatch(reason);
    expect(faults[0]!.raw.toString()).toBe(row);
  });

  test('an id of exactly 1,024 bytes is allowed', async () => {
    expect((await read(`${'ü'.repeat(512)},b,2`)).faults).toEqual([]);
  });

  test('bytes that contradict UTF-8 are kept as they are', async () => {
    const row = Buffer.concat([Buffer.from('é,caf'), Buffer.of(0xe9), Buffer.from(' ü,2')]);
    const { faults, order } = await read(row, { encoding: 'utf-8' });
    expect(order).toEqual(['CSV_INVALID_BYTES']);
    expect(faults[0]!.raw).toEqual(row);
    expect(faults[0]!.reason).toMatch(/:3: byte 0xe9 at byte 7 of the row/);
  });

  test('a row without text does not take its id', async () => {
    expect((await read('x,,1\nx,b,2')).order).toEqual(['CSV_NO_TEXT', 'x']);
  });

  test('a quote within a field that is not quoted is an ordinary character', async () => {
    const { items } = await read('x,Base: Diam. 2 1/2 in. (6.4 cm)",2');
    expect(items[1]!.text).toBe('Base: Diam. 2 1/2 in. (6.4 cm)"');
  });
});

describe('a stray quote costs its own line only', () => {
  test.each([
    ['never closed', 'x,"b,2\ny,c,3'],
    ["closed by the next row's opening quote", 'x,"b,2\ny,"c, d",3'],
    ['closed by an inch mark in a row below that makes it ragged', 'x,"b,2\ny,c,3\nw,5",2,1'],
    ['closed by an inch mark that makes it whole', `x,"b,2\ny,c,3\n${'w,v,4\n'.repeat(3)}z,5",1`],
  ])('%s', async (_, rows) => {
    const { faults, order } = await read(rows);
    expect(faults[0]).toMatchObject({ code: 'CSV_UNCLOSED_QUOTE', line: 3 });
    expect(faults[0]!.raw.toString()).toBe('x,"b,2');
    expect(faults[0]!.reason).toMatch(/:3: the quote that opens "title" \(column 2\)/);
    expect(order.slice(0, 2)).toEqual(['CSV_UNCLOSED_QUOTE', 'y']);
  });

  test('a field that may be read either way is read as RFC 4180 has it', async () => {
    const { items } = await read('x,"b,2\ny,c"" d",3');
    expect(items[1]).toMatchObject({ text: 'b,2\ny,c" d', line: 3 });
  });

  test('a text of several lines with commas is a text', async () => {
    const table = 'a, b, c\nd, e, f\ng, h, i\nj, k, l\nm, n, o\np, q, r';
    const { order } = await read(`x,"${table}",2\ny,"${table.replaceAll(', ', ' ')}",3\nz,"a, b\nc, d, e\nf, g",4`);
    expect(order).toEqual(['x', 'y', 'z']);
  });

  test('at the end of the file', async () => {
    const { order, faults } = await files.read(`${HEADER}x,"b,2\ny,c,3\nz,"d`);
    expect(order).toEqual(['CSV_UNCLOSED_QUOTE', 'y', 'CSV_UNCLOSED_QUOTE']);
    expect(faults[1]!.raw.toString()).toBe('z,"d');
  });

  test('behind an earlier field that properly spans lines', async () => {
    const { order, faults } = await files.read(`${HEADER}"x\n1","b,2\ny,c,3\n"x\n2","d`);
    expect(order).toEqual(['CSV_UNCLOSED_QUOTE', 'y', 'CSV_UNCLOSED_QUOTE']);
    expect(faults.map(({ raw }) => raw.toString())).toEqual(['"x\n1","b,2', '"x\n2","d']);
    expect(faults.map(({ line }) => line)).toEqual([2, 5]);
  });

  test('many rows above the limit of a quoted field, with the lines after it read again', async () => {
    const rows = Array.from({ length: 200 }, (_, row) => `r${row},text ${row},${row}`);
    const { order, faults } = await read(`x,"b,2\n${rows.join('\n')}`, { maxRowBytes: 500, chunkBytes: 64 });
    expect(order).toEqual(['CSV_UNCLOSED_QUOTE', ...rows.map((_, row) => `r${row}`)]);
    expect(faults[0]!.line).toBe(3);
  });
});

describe('rows over the size limit', () => {
  const long = `x,${'b'.repeat(5000)},2`;

  test.each([16, 64, 1000, 100_000])('are dropped to the next line, read in chunks of %d', async (chunkBytes) => {
    const { order, faults } = await read(`${long}\ny,c,3`, { maxRowBytes: 1000, chunkBytes });
    expect(order).toEqual(['CSV_ROW_TOO_LARGE', 'y']);
    expect(faults[0]).toMatchObject({ line: 3, code: 'CSV_ROW_TOO_LARGE' });
    expect(faults[0]!.raw.toString()).toBe(long.slice(0, 1001));
    expect(faults[0]!.reason).toContain('5004 in UTF-8');
  });

  test('at the end of the file', async () => {
    expect((await files.read(`${HEADER}${long}`, { maxRowBytes: 1000 })).order).toEqual(['CSV_ROW_TOO_LARGE']);
    const { order } = await files.read(`${HEADER}${long}\r\n`, { maxRowBytes: 1000, chunkBytes: 7 });
    expect(order).toEqual(['CSV_ROW_TOO_LARGE']);
  });
});

describe('line numbers are physical lines', () => {
  test.each([
    ['\\n', '\n'],
    ['\\r\\n', '\r\n'],
    ['\\r', '\r'],
  ])('with %s', async (_, end) => {
    const lines = ['id,title,year', '', '1,"a', 'b', '', 'c",1', '   ', '2,d,2', 'ragged', '3,"e', 'f', '4,g,4', ''];
    const { items, faults } = await files.read(lines.join(end), { chunkBytes: 3 });
    expect(items.map(({ id, line }) => [id, line])).toEqual([
      ['1', 3],
      ['2', 8],
      ['4', 12],
    ]);
    expect(items[0]!.text).toBe(['a', 'b', '', 'c'].join(end));
    expect(faults.map(({ code, line }) => [code, line])).toEqual([
      ['CSV_RAGGED_ROW', 9],
      ['CSV_UNCLOSED_QUOTE', 10],
      ['CSV_RAGGED_ROW', 11],
    ]);
  });
});
