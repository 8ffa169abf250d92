import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/errors.ts';
import { jsonlFolder } from './jsonl-fixture.ts';

const { open, read } = jsonlFolder();
const paragraphs = Array.from({ length: 12 }, (_, i) =>
  JSON.stringify({ paper_id: 'astro-ph/1234567', paragraph_index: i, text: `Paragraph ${i}`, meta: { year: 1999 } }),
);
const GIVEN = { id: 'paper_id,paragraph_index', text: 'text' };

describe('fields', () => {
  it('compose an id, and the rest are metadata under dotted names', async () => {
    const { items } = await read(paragraphs.join('\n'), GIVEN);
    expect(items).toHaveLength(12);
    expect(items[5]).toMatchObject({ id: 'astro-ph/1234567#5', text: 'Paragraph 5', line: 6 });
    expect(items[5]!.metadata).toEqual({ 'meta.year': 1999 });
  });

  it('are reached by dots and by index, one whose name has dots first', async () => {
    const line = '{"k":{"id":"x"},"a":{"b":["zero","one"]},"a.b":{"0":"no"},"a.b.1":"named","tags":["p","q",3]}';
    const { items } = await read(line, { id: '{k.id}-{a.b.0}', text: '{a.b.1}: {tags}', metadata: 'tags,a.b,k' });
    expect(items[0]).toMatchObject({ id: 'x-zero', text: 'named: p, q, 3' });
    expect(items[0]!.metadata).toEqual({ tags: '["p","q",3]', 'a.b.0': 'no', 'k.id': 'x' });
  });

  it('that every object inherits are not there', async () => {
    await expect(open('{"id":"1","text":"a"}', { id: 'id', text: 'constructor' })).rejects.toThrow(
      /no record at the beginning of .* has "constructor"/,
    );
  });

  it('keep their types', async () => {
    const line = '{"id":7,"text":"t","n":null,"b":false,"i":3,"d":2.5,"list":[1,{"x":2}],"none":{},"s":""}';
    const { items } = await read(line, { id: 'id', text: 'text' });
    expect(items[0]!.id).toBe('7');
    expect(items[0]!.metadata).toEqual({
      ...{ n: null, b: false, i: 3, d: 2.5, list: '[1,{"x":2}]', none: '{}', s: '' },
    });
  });

  it('hold numbers beyond 2^53 to the last digit', async () => {
    const line =
      '{"id":12345678901234567890,"text":"t","long":9007199254740993,"least":-9223372036854775808,' +
      '"wider":9223372036854775808,"huge":1e400,"list":[9007199254740993],"double":1e300,"string":"1, 9007199254740993"}';
    const { items } = await read(line, { id: 'id', text: 'text' });
    expect(items[0]!.id).toBe('12345678901234567890');
    expect(items[0]!.metadata).toEqual({
      long: 9007199254740993n,
      least: -9223372036854775808n,
      wider: '9223372036854775808',
      huge: '1e400',
      list: '[9007199254740993]',
      double: 1e300,
      string: '1, 9007199254740993',
    });
  });

  it('that come twice count as they do in JSON.parse: the last one', async () => {
    const { items } = await read('{"id":"a","text":"first","text":"last"}', { id: 'id', text: 'text' });
    expect(items[0]!.text).toBe('last');
  });

  it('with half a surrogate pair: U+FFFD in a text, a fault in an id', async () => {
    const lines = '{"id":"a","text":"x\\ud800y","\\udc00":"\\ud83d\\ude00"}\n{"id":"b\\ud800","text":"t"}';
    const { items, faults } = await read(lines, { id: 'id', text: 'text' });
    expect(items[0]).toMatchObject({ text: 'x\ufffdy', metadata: { '\ufffd': '😀' } });
    expect(faults).toMatchObject([{ code: 'JSONL_INVALID_ID', line: 2 }]);
  });
});

describe('detection', () => {
  it.each([
    ['{"_id":"a","content":"words of it"}\n{"_id":"b","content":"more words"}', '_id (', 'content ('],
    ['{"uuid":"a","x":1,"body":"some words"}\n{"uuid":"b","x":1,"body":"others here"}', 'uuid (', 'body ('],
    [
      '{"paper_id":"a","title":"T one","text":"body one"}\n{"paper_id":"b","title":"T","text":"x"}',
      'paper_id (',
      '{title}. {text} (',
    ],
    [
      '{"paper_id":"a","paragraph_index":0,"text":"words"}\n{"paper_id":"b","paragraph_index":0,"text":"more"}',
      '{paper_id}#{paragraph_index} (by their names)',
      'text (',
    ],
  ])('%s', async (lines, id, text) => {
    const { description } = await open(lines);
    expect(description['id']).toContain(id);
    expect(description['text']).toContain(text);
  });

  it("refuses what it can't decide, with the fields there are", async () => {
    await expect(open('{"a":"x","b":"words"}\n{"a":"x","b":"words"}')).rejects.toThrow(
      /no field .* unique.*--id.*"a", "b"/s,
    );
    await expect(open('{"id":1}\n{"id":2}')).rejects.toThrow(/no field looks like text/);
    await expect(open('{"paper_id":1,"text":"t"}', { id: 'papr_id' })).rejects.toThrow(
      /no field "papr_id".*mean "paper_id"/s,
    );
    await expect(open('{"id":1,"body":{"text":"t"}}', { id: 'id', text: 'body.txt' })).rejects.toThrow(
      /--text: no record .* has "body.txt" \(there is "body.text"\)/,
    );
    await expect(open(Buffer.from('\ufeff{"id":1}', 'utf16le'), GIVEN)).rejects.toBeInstanceOf(UsageError);
  });

  it('says which of the named fields are not there yet', async () => {
    const options = { id: 'id', text: 'text', metadata: 'autors', where: ['yeer!=1'] };
    const { description } = await open('{"id":1,"text":"t","authors":"a","year":2}', options);
    expect(description['in no record at its beginning']).toBe(
      '"autors" (there is "authors"), "yeer" (there is "year")',
    );
    const seen = await open('{"id":1,"text":"t","authors":"a"}', { ...options, metadata: 'authors', where: [] });
    expect(Object.keys(seen.description)).toEqual(['format', 'id', 'text', 'metadata']);
  });
});

describe('lines', () => {
  it('that are bad become faults with their number, their bytes and what is wrong', async () => {
    const bad = Buffer.concat([
      Buffer.from('\ufeff{"id":"1","text":"fine"}\r\n\r\n   \n{"id":"2","text":\n[1]\n"x"\n{"text":"t"}\n{"id":"3"}\n'),
      Buffer.from('{"id":"4","text":NaN}\n{"id":"5","text":"'),
      Buffer.from([0xff, 0x41]),
      Buffer.from('"}\n{"id":{"a":1},"text":"t"}\n'),
      Buffer.from(`{"id":"${'i'.repeat(1025)}","text":"t"}\n{"id":"\\u0000x","text":"t"}\n{"id":"6","text":"héllo"}`),
    ]);
    const { items, faults } = await read(bad, { id: 'id', text: 'text' });
    expect(items.map(({ id, line }) => [id, line])).toEqual([
      ['1', 1],
      ['6', 14],
    ]);
    expect(faults.map(({ line, code }) => [line, code])).toEqual([
      [4, 'JSONL_INVALID_JSON'],
      [5, 'JSONL_NOT_AN_OBJECT'],
      [6, 'JSONL_NOT_AN_OBJECT'],
      [7, 'JSONL_MISSING_ID'],
      [8, 'JSONL_NO_TEXT'],
      [9, 'JSONL_INVALID_JSON'],
      [10, 'JSONL_INVALID_UTF8'],
      [11, 'JSONL_INVALID_ID'],
      [12, 'JSONL_ID_TOO_LONG'],
      [13, 'JSONL_INVALID_ID'],
    ]);
    expect(faults[0]!.raw.toString()).toBe('{"id":"2","text":');
    expect(faults[0]!.reason).toMatch(/lines\.jsonl:4: the line is no JSON/);
    expect(faults[5]!.reason).toContain('NaN and Infinity are not JSON');
    expect(faults[6]!.raw).toEqual(Buffer.from([...Buffer.from('{"id":"5","text":"'), 0xff, 0x41, 0x22, 0x7d]));
  });

  it('may be of any length around a chunk of a MiB, characters cut by it whole', async () => {
    const texts = Array.from({ length: 40 }, (_, i) => '€'.repeat(30_000 + i * 1_001));
    const lines = texts.map((text, i) => JSON.stringify({ id: `${i}`, text })).join('\n');
    const { items, faults, bytesRead } = await read(lines, { id: 'id', text: 'text' });
    expect(faults).toEqual([]);
    expect(items.map(({ text }) => text)).toEqual(texts);
    expect(bytesRead).toBe(Buffer.byteLength(lines));
  });

  it('of 100 MB are one fault with their beginning, in little memory, and the next one is read', async () => {
    const long = Buffer.alloc(100_000_000, 'abcdefg ');
    const before = process.memoryUsage().arrayBuffers;
    const { items, faults } = await read(
      Buffer.concat([Buffer.from('{"id":"1","text":"'), long, Buffer.from('"}\n{"id":"2","text":"t"}')]),
      { id: 'id', text: 'text' },
    );
    expect(faults).toMatchObject([{ code: 'JSONL_LINE_TOO_LONG', line: 1 }]);
    expect(faults[0]!.reason).toContain('has 100000020 bytes');
    expect(faults[0]!.raw).toHaveLength(64 * 1024);
    expect(items).toMatchObject([{ id: '2', line: 2 }]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(400_000_000);
  });

  it('nested without end, or with names without end, are faults', async () => {
    const deep = `{"id":"1","text":"t","a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    const wide = JSON.stringify({
      id: '2',
      text: 't',
      ['n'.repeat(9_000)]: Object.fromEntries(
        paragraphs.concat(Array.from({ length: 200 }, (_, i) => `${i}`)).map((k) => [k, 1]),
      ),
    });
    const { items, faults } = await read(`${deep}\n${wide}\n{"id":"3","text":"t"}`, { id: 'id', text: 'text' });
    expect(faults.map(({ code }) => code)).toEqual(['JSONL_TOO_DEEP', 'JSONL_TOO_MANY_FIELDS']);
    expect(items.map(({ id }) => id)).toEqual(['3']);
  });
});

it('--where keeps what meets all conditions', async () => {
  const lines = [1, 2, 3, 4].map((i) => JSON.stringify({ id: i, text: 't', x: { y: i % 2 }, z: i > 2 })).join('\n');
  const { items, filtered } = await read(lines, { id: 'id', text: 'text', where: ['x.y=1', 'z!=true'] });
  expect(items.map(({ id }) => id)).toEqual(['1']);
  expect(filtered).toBe(3);
});

describe.each([
  ['gzip', gzipSync, '.gz'],
  ['zstd', zstdCompressSync, '.zst'],
] as const)('%s', (_, compress, extension) => {
  const name = `lines.jsonl${extension}`;

  it('is unpacked, several members too', async () => {
    const packed = Buffer.concat([
      compress(paragraphs.slice(0, 6).join('\n') + '\n'),
      compress(paragraphs.slice(6).join('\n')),
    ]);
    const { items, bytesRead } = await read(packed, GIVEN, name);
    expect(items.map(({ id }) => id)).toEqual(paragraphs.map((_, i) => `astro-ph/1234567#${i}`));
    expect(bytesRead).toBe(packed.length);
  });

  it('that is cut off yields what is before, one fault for the rest, and is partial', async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => JSON.stringify({ id: i, text: `${Math.sin(i)}` })).join(
      '\n',
    );
    const packed = compress(lines);
    const content = await open(packed.subarray(0, packed.length >> 1), { id: 'id', text: 'text' }, name);
    let items = 0;
    let isPartial = false;
    const codes: string[] = [];
    for await (const batch of content.read()) {
      isPartial ||= batch.isPartial ?? false;
      for (const item of batch.items) {
        if (item.kind === 'fault') codes.push(item.code);
        else items++;
      }
    }
    expect(codes).toEqual(['FILE_DAMAGED']);
    expect(items).toBeGreaterThan(1_000);
    expect(isPartial).toBe(true);
  });
});
