import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { detectEncoding, firstInvalidByte, wholeCharacters } from '../../../src/producers/csv/encoding.ts';
import { createTranscoder } from '../../../src/producers/csv/transcoder.ts';
import { csvFolder, readAll } from './csv-fixture.ts';

const files = csvFolder();
const latin = (text: string): Buffer => Buffer.from(text, 'latin1');

describe('detection', () => {
  test.each([
    ['ASCII', Buffer.from('id,title\n1,a'), 'utf-8', 0],
    ['UTF-8', Buffer.from('id,título\n1,龍'), 'utf-8', 0],
    ['UTF-8 with a mark', Buffer.from('\ufeffid,title'), 'utf-8', 3],
    ['UTF-16 LE with a mark', Buffer.from('\ufeffid,龍', 'utf16le'), 'utf-16le', 2],
    ['UTF-16 BE with a mark', Buffer.from('\ufeffid,龍', 'utf16le').swap16(), 'utf-16be', 2],
    ['UTF-16 LE', Buffer.from('id,title\n1,龍龍龍龍\n', 'utf16le'), 'utf-16le', 0],
    ['UTF-16 BE', Buffer.from('id,title\n1,龍龍龍龍\n', 'utf16le').swap16(), 'utf-16be', 0],
    ['Windows-1252', latin('id,title\n1,caf\xe9 1785\x9690'), 'windows-1252', 0],
    ['UTF-8 with one damaged character among good ones', latin('\xc3\xa9\xc3\xa9\xc3\xa9 \xe9 '), 'utf-8', 0],
  ])('%s', (_, bytes, encoding, bomBytes) => {
    expect(detectEncoding(bytes, false)).toMatchObject({ encoding, bomBytes });
  });

  test('a character cut by the end of the sample does not make it Windows-1252', () => {
    const bytes = Buffer.from('é 龍 🏺');
    for (let end = 1; end < bytes.length; end++) {
      expect(detectEncoding(bytes.subarray(0, end), true).encoding).toBe('utf-8');
    }
    expect(detectEncoding(bytes.subarray(0, 1), false).encoding).toBe('windows-1252');
  });

  test('wholeCharacters cuts only what is cut', () => {
    const bytes = Buffer.from('aé龍🏺');
    const ends = Array.from({ length: bytes.length + 1 }, (_, end) => wholeCharacters(bytes, end));
    expect(ends).toEqual([0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10]);
  });

  test('firstInvalidByte finds over-long forms, surrogates and cut characters', () => {
    expect(firstInvalidByte(Buffer.from('aé龍🏺'))).toBe(-1);
    expect(firstInvalidByte(latin('a\xc0\xaf'))).toBe(1);
    expect(firstInvalidByte(latin('\xc3\xa9\xed\xa0\x80'))).toBe(2);
    expect(firstInvalidByte(latin('ab\xe9\x9f'))).toBe(2);
  });
});

describe('a beginning of nothing but ASCII', () => {
  const ascii = Array.from({ length: 12_000 }, (_, row) => `r${row},an ordinary title,1\n`).join('');

  test('is Windows-1252 when the first bytes beyond are', async () => {
    const source = await files.open(Buffer.concat([Buffer.from(`id,title,n\n${ascii}`), latin('x,caf\xe9,1\n')]));
    expect(source.description['encoding']).toMatch(/^windows-1252 \(.* from byte \d+ on, ASCII before\)$/);
    expect((await readAll(source)).items.at(-1)).toMatchObject({ id: 'x', text: 'café' });
  });

  test('is UTF-8 when the first bytes beyond are, and what contradicts it further on is a fault', async () => {
    const bytes = [Buffer.from(`id,title,n\n${ascii}y,é,1\n${ascii.replaceAll('r', 'q')}`), latin('x,caf\xe9,1\n')];
    const { order, items } = await files.read(Buffer.concat(bytes));
    expect(items[12_000]).toMatchObject({ id: 'y', text: 'é' });
    expect(order.at(-1)).toBe('CSV_INVALID_BYTES');
  });
});

describe('transcoding', () => {
  test('any bytes of Windows-1252 and UTF-16 can be had back from what they become, however they are cut', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        fc.constantFrom('windows-1252', 'utf-16le', 'utf-16be', 'utf-8'),
        fc.integer({ min: 1, max: 9 }),
        (bytes, encoding, step) => {
          const transcoder = createTranscoder(encoding);
          const parts = [];
          for (let at = 0; at < bytes.length; at += step)
            parts.push(transcoder.push(bytes.subarray(at, at + step), false));
          parts.push(transcoder.push(new Uint8Array(0), true));
          expect(Buffer.from(transcoder.original(Buffer.concat(parts)))).toEqual(Buffer.from(bytes));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('all of Windows-1252 is as the WHATWG decoder has it', () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const utf8 = createTranscoder('windows-1252').push(bytes, true);
    expect(Buffer.from(utf8).toString()).toBe(new TextDecoder('windows-1252').decode(bytes));
  });

  test('a fault keeps the original bytes of its row', async () => {
    const wide = Buffer.from('\ufeffid,title\n1,a\nñ,b,c\n', 'utf16le');
    const { faults } = await files.read(wide);
    expect(faults).toMatchObject([{ code: 'CSV_RAGGED_ROW', raw: Buffer.from('ñ,b,c', 'utf16le') }]);
    const narrow = await files.read(latin('id,title\n1,\xe9\n\xf1 1785\x9690,b,c\n'));
    expect(narrow.faults).toMatchObject([{ code: 'CSV_RAGGED_ROW', raw: latin('\xf1 1785\x9690,b,c') }]);
  });

  test('a lone surrogate and an odd last byte are invalid bytes, not replacement characters', async () => {
    const rows = Buffer.from('\ufeffid,title\n1,a\n2,b\ud83c\n3,c\n4,d', 'utf16le');
    const { order, faults } = await files.read(Buffer.concat([rows, Buffer.of(0x61)]));
    expect(order).toEqual(['1', 'CSV_INVALID_BYTES', '3', 'CSV_INVALID_BYTES']);
    expect(faults[0]!.raw).toEqual(Buffer.from('2,b\ud83c', 'utf16le'));
    expect(faults[1]!.raw).toEqual(Buffer.concat([Buffer.from('4,d', 'utf16le'), Buffer.of(0x61)]));
  });
});

test('sep= on the first line names the delimiter', async () => {
  for (const first of ['sep=;', '"sep=;"', 'SEP=;']) {
    const { items } = await files.read(`${first}\r\nid;title;x,y\r\n1;a,b;c,d\r\n`);
    expect(items).toMatchObject([{ id: '1', line: 3, text: 'a,b' }]);
  }
});
