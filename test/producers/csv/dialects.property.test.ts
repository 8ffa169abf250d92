import fc from 'fast-check';
import { expect, test } from 'vitest';
import { csvFolder } from './csv-fixture.ts';

const files = csvFolder();

interface Dialect {
  readonly delimiter: string;
  readonly lineEnd: string;
  readonly quoting: 'minimal' | 'all' | 'some';
  readonly encoding: 'utf-8' | 'utf-8-bom' | 'utf-16le' | 'utf-16be' | 'utf-16le-bom' | 'utf-16be-bom' | 'windows-1252';
  readonly isTerminated: boolean;
  readonly sepLine: boolean;
  readonly chunkBytes: number;
}

const dialects: fc.Arbitrary<Dialect> = fc.record({
  delimiter: fc.constantFrom(',', ';', '\t', '|', ':'),
  lineEnd: fc.constantFrom('\n', '\r\n', '\r'),
  quoting: fc.constantFrom('minimal', 'all', 'some'),
  encoding: fc.constantFrom(
    'utf-8',
    'utf-8-bom',
    'utf-16le',
    'utf-16be',
    'utf-16le-bom',
    'utf-16be-bom',
    'windows-1252',
  ),
  isTerminated: fc.boolean(),
  sepLine: fc.boolean(),
  chunkBytes: fc.constantFrom(1, 2, 3, 7, 64, 4096, 1 << 20),
});

const COMMON = [
  'a',
  'bc',
  ' ',
  ',',
  ';',
  '\t',
  '|',
  ':',
  '"',
  '""',
  '\n',
  '\r\n',
  '\r',
  '=',
  'é',
  '–',
  '’',
  'ß',
  '.',
  '1',
];
const BEYOND_WINDOWS_1252 = ['龍', '🏺', 'ł', '\u0301', '\ufeff', '\u2028'];

function values(pieces: readonly string[]): fc.Arbitrary<string> {
  return fc.array(fc.constantFrom(...pieces), { maxLength: 8 }).map((parts) => parts.join(''));
}

function tables(pieces: readonly string[]): fc.Arbitrary<string[][]> {
  return fc
    .integer({ min: 2, max: 6 })
    .chain((width) =>
      fc.array(fc.array(values(pieces), { minLength: width, maxLength: width }), { minLength: 1, maxLength: 12 }),
    );
}

function write(table: readonly (readonly string[])[], dialect: Dialect): Buffer {
  const { delimiter, lineEnd, quoting } = dialect;
  const cell = (value: string, index: number): string => {
    // A leading blank and quote would open a quoted field; any writer quotes a value that holds a quote.
    const needed = ['"', '\r', '\n', delimiter].some((character) => value.includes(character));
    const quote = needed || quoting === 'all' || (quoting === 'some' && index % 2 === 0);
    return quote ? `"${value.replaceAll('"', '""')}"` : value;
  };
  const lines = table.map((row) => row.map(cell).join(delimiter));
  if (dialect.sepLine) lines.unshift(`sep=${delimiter}`);
  return encode(lines.join(lineEnd) + (dialect.isTerminated ? lineEnd : ''), dialect.encoding);
}

function encode(text: string, encoding: Dialect['encoding']): Buffer {
  const bom = encoding.endsWith('-bom') ? '\ufeff' : '';
  if (encoding.startsWith('utf-8')) return Buffer.from(bom + text, 'utf8');
  if (encoding === 'windows-1252') {
    const special: Record<string, number> = { '–': 0x96, '’': 0x92 };
    return Buffer.from(Array.from(text, (character) => special[character] ?? character.charCodeAt(0)));
  }
  const little = Buffer.from(bom + text, 'utf16le');
  return encoding.startsWith('utf-16be') ? little.swap16() : little;
}

test('a table written in any dialect is read back equal, with nothing told but how the bytes may be ambiguous', async () => {
  const cases = dialects.chain((dialect) =>
    fc.record({
      dialect: fc.constant(dialect),
      table: tables(dialect.encoding === 'windows-1252' ? COMMON : [...COMMON, ...BEYOND_WINDOWS_1252]),
    }),
  );
  await fc.assert(
    fc.asyncProperty(cases, async ({ dialect, table }) => {
      const header = ['id', 'title', ...table[0]!.slice(0, -2).map((_, index) => `more ${index}`)];
      const rows = table.map((row, index) => [`id-${index}`, `Text ${row[0]}`, ...row.slice(2)]);
      const told = {
        // With few bytes beyond ASCII even a reader in the flesh can't tell them apart.
        encoding: dialect.encoding.replace('-bom', ''),
        ...(dialect.sepLine ? {} : { delimiter: dialect.delimiter }),
      };
      const options = { ...told, id: 'id', text: '{title}', metadata: header.slice(2).join(',') || 'none' };
      const result = await files.read(write([header, ...rows], dialect), {
        ...options,
        chunkBytes: dialect.chunkBytes,
      });
      expect(result.faults).toEqual([]);
      expect(result.items.map(({ id, text, metadata }) => [id, text, ...Object.values(metadata)])).toEqual(
        rows.map(([id, text, ...more]) => [id, text!.trim(), ...more.map((value) => value.trim() || null)]),
      );
    }),
    { numRuns: 400 },
  );
});

test('a table of ordinary words is read with nothing told at all', async () => {
  const words = fc.constantFrom(
    'Bowl',
    'with a dragon, and waves',
    'Café',
    'naïve “quoted”',
    '1785–90',
    'two\nlines',
    '',
  );
  const plain = fc
    .integer({ min: 3, max: 6 })
    .chain((width) =>
      fc.array(fc.array(words, { minLength: width, maxLength: width }), { minLength: 3, maxLength: 12 }),
    );
  await fc.assert(
    fc.asyncProperty(dialects, plain, async (dialect, table) => {
      const special = { '“': 0x93, '”': 0x94 };
      const header = ['id', 'title', ...table[0]!.slice(2).map((_, index) => `more ${index}`)];
      const rows = table.map((row, index) => [`id-${index}`, `Straße ${row[1]}`, ...row.slice(2)]);
      const text = write([header, ...rows], { ...dialect, encoding: 'utf-8' }).toString();
      const bytes =
        dialect.encoding === 'windows-1252'
          ? Buffer.concat(
              Array.from(text, (c) =>
                c in special ? Buffer.of(special[c as keyof typeof special]) : encode(c, 'windows-1252'),
              ),
            )
          : encode(text, dialect.encoding);
      const result = await files.read(bytes, { chunkBytes: dialect.chunkBytes, text: '{title}' });
      expect(result.faults).toEqual([]);
      expect(result.items.map(({ id, text: title, metadata }) => [id, title, ...Object.values(metadata)])).toEqual(
        rows.map(([id, title, ...more]) => [id, title!.trim(), ...more.map((value) => value || null)]),
      );
    }),
    { numRuns: 300 },
  );
});

test('the outcome does not depend on where chunks are cut, also among faults', async () => {
  const pieces = ['a', ',', ',', '"', '""', '\n', '\r\n', '\r', ' ', 'é', '\0', '\n1,b\n', '"x",y'];
  await fc.assert(
    fc.asyncProperty(
      // With more NULs so short a file is taken for a binary one.
      fc
        .array(fc.constantFrom(...pieces), { maxLength: 60 })
        .filter((parts) => parts.filter((part) => part === '\0').length <= 4),
      fc.integer({ min: 5, max: 40 }),
      async (parts, limit) => {
        const bytes = Buffer.concat([Buffer.from('id,title\n'), Buffer.from(parts.join('')), Buffer.of(0xe9, 0x0a)]);
        const options = { id: 'id', text: '{title}', encoding: 'utf-8', delimiter: ',', maxRowBytes: limit };
        const whole = await files.read(bytes, options);
        for (const chunkBytes of [1, 2, 5]) {
          const cut = await files.read(bytes, { ...options, chunkBytes });
          expect({ ...cut, filtered: 0 }).toEqual({ ...whole, filtered: 0 });
        }
      },
    ),
    { numRuns: 300 },
  );
});
