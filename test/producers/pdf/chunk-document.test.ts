import { RecursiveCharacterTextSplitter } from '@langchain/textsplitters';
import { describe, expect, test } from 'vitest';
import { chunkDocument } from '../../../src/producers/pdf/chunk-document.ts';
import type { SplitSettings } from '../../../src/producers/pdf/messages.ts';
import { splitSettings } from '../../../src/producers/pdf/options.ts';
import { tokenLength } from '../../../src/producers/pdf/token-length.ts';
import { UsageError } from '../../../src/errors.ts';
import { paragraphs } from './texts.ts';

describe('chunks of a document', () => {
  const recursive = { mode: 'recursive', chunkSize: 40, chunkOverlap: 0 } as const;

  test('know the page they begin on and the page they end on', () => {
    const pages = [
      'short first page',
      '',
      'third page\n',
      'the fourth page has a line that is far too long for one chunk',
    ];
    expect([...chunkDocument(pages, recursive)]).toEqual([
      ['short first page\n\n\n\nthird page', 1, 3],
      ['the fourth page has a line that is far', 4, 4],
      ['too long for one chunk', 4, 4],
    ]);
  });

  test('are those of LangChain over the joined pages, each on pages that hold its text', async () => {
    const pages = Array.from({ length: 30 }, (_, page) => paragraphs(page));
    const settings = { mode: 'recursive', chunkSize: 500, chunkOverlap: 50 } as const;
    const chunks = [...chunkDocument(pages, settings)];
    const splitter = new RecursiveCharacterTextSplitter({ chunkSize: 500, chunkOverlap: 50 });
    expect(chunks.map(([text]) => text)).toEqual(await splitter.splitText(pages.join('\n\n')));
    expect(chunks.some(([, first, last]) => last > first)).toBe(true);
    for (const [text, first, last] of chunks) {
      const there = pages.slice(first - 1, last);
      expect(there.join('\n\n')).toContain(text);
      expect(there.every((page) => page.trim() !== '')).toBe(true);
      // Not on fewer pages: the first and the last of them are needed.
      if (last > first)
        expect(there.slice(1).join('\n\n').includes(text) || there.slice(0, -1).join('\n\n').includes(text)).toBe(
          false,
        );
    }
  });

  test('a chunk a page, empty pages left out', () => {
    const pages = [' one\nof it ', '\n', 'x'.repeat(3000)];
    expect([...chunkDocument(pages, { ...recursive, mode: 'page' })]).toEqual([
      ['one\nof it', 1, 1],
      ['x'.repeat(3000), 3, 3],
    ]);
  });

  test('a page that no record could hold is several', () => {
    const chunks = [...chunkDocument(['word '.repeat(500_000)], { ...recursive, mode: 'page' })];
    expect(chunks).toHaveLength(3);
    expect(chunks.every(([text, page]) => text.length <= 1 << 20 && page === 1)).toBe(true);
  });

  test('by tokens: LangChain with the length that the tokenizer of the default model counts', async () => {
    const settings = splitSettings({ split: 'token', chunkSize: 64, chunkOverlap: 8 });
    const lengthOf = tokenLength(settings.tokenizer!);
    expect(lengthOf('')).toBe(0);
    expect(lengthOf('a catalogue of unaffordable vessels')).toBeGreaterThan(4);
    const splitter = new RecursiveCharacterTextSplitter({ chunkSize: 64, chunkOverlap: 8, lengthFunction: lengthOf });
    for (let seed = 0; seed < 5; seed++) {
      const text = paragraphs(seed);
      const chunks = [...chunkDocument([text], { ...settings, lengthOf })];
      expect(chunks.map(([chunk]) => chunk)).toEqual(await splitter.splitText(text));
      expect(Math.max(...chunks.map(([chunk]) => lengthOf(chunk)))).toBeLessThanOrEqual(64);
    }
  });
});

describe('how a document is split', () => {
  test.each<[given: Parameters<typeof splitSettings>[0], expected: Partial<SplitSettings>]>([
    [{}, { mode: 'recursive', chunkSize: 500, chunkOverlap: 50 }],
    [{ chunkSize: 100 }, { mode: 'recursive', chunkSize: 100, chunkOverlap: 10 }],
    [
      { chunkSize: 2000, chunkOverlap: 0 },
      { chunkSize: 2000, chunkOverlap: 0 },
    ],
    [{ split: 'token' }, { mode: 'token', chunkSize: 254, chunkOverlap: 25 }],
    [{ split: 'page' }, { mode: 'page' }],
  ])('%o', (given, expected) => {
    expect(splitSettings(given)).toMatchObject(expected);
  });

  test.each([{ split: 'sentence' }, { chunkSize: 0 }, { chunkSize: 50, chunkOverlap: 50 }, { chunkOverlap: -1 }])(
    'refuses %o',
    (given) => {
      expect(() => splitSettings(given)).toThrow(UsageError);
    },
  );
});
