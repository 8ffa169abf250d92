import { RecursiveCharacterTextSplitter } from '@langchain/textsplitters';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { splitRecursively } from '../../../src/producers/pdf/recursive-splitter.ts';
import { paragraphs } from './texts.ts';

interface Sizes {
  readonly chunkSize: number;
  readonly chunkOverlap: number;
  readonly lengthOf?: (piece: string) => number;
}

async function langchain(text: string, { chunkSize, chunkOverlap, lengthOf }: Sizes): Promise<string[]> {
  const lengthFunction = lengthOf && { lengthFunction: lengthOf };
  return new RecursiveCharacterTextSplitter({ chunkSize, chunkOverlap, ...lengthFunction }).splitText(text);
}

function ours(text: string, sizes: Sizes): string[] {
  return splitRecursively(text, sizes).map(({ start, end }) => text.slice(start, end));
}

const sizes = fc
  .tuple(fc.integer({ min: 1, max: 120 }), fc.nat())
  .map(([chunkSize, overlap]): Sizes => ({ chunkSize, chunkOverlap: overlap % chunkSize }));

/** Texts in which separators are frequent and run together. */
const spaced = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: fc.stringMatching(/^[a-zäß(.]{1,14}$/) },
      fc.constantFrom(' ', ' ', '\n', '\n\n', '\n\n\n', '  ', '\t', '\r\n', '\u00a0', '\ufeff', '\u2028', '\u200b'),
    ),
    { maxLength: 200, size: 'max' },
  )
  .map((parts) => parts.join(''));

/** Every UTF-16 unit, lone surrogates among them, but no pairs. */
const units = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.constantFrom(10, 10, 32)), { maxLength: 300, size: 'max' })
  .map((codes) => String.fromCharCode(...codes).replace(/[\ud800-\udbff](?=[\udc00-\udfff])/g, '-'));

describe('chunks equal LangChain.js', () => {
  test.each([
    [500, 50],
    [1000, 200],
    [120, 0],
    [64, 63],
    [37, 5],
  ])('over 200 texts like those of documents, %i/%i', async (chunkSize, chunkOverlap) => {
    let chunks = 0;
    for (let seed = 0; seed < 200; seed++) {
      const text = paragraphs(seed);
      const expected = await langchain(text, { chunkSize, chunkOverlap });
      chunks += expected.length;
      expect(ours(text, { chunkSize, chunkOverlap }), `seed ${seed}`).toEqual(expected);
    }
    expect(chunks).toBeGreaterThan(500);
  });

  test('over arbitrary words and separators at any size', async () => {
    await fc.assert(
      fc.asyncProperty(spaced, sizes, async (text, size) => {
        expect(ours(text, size)).toEqual(await langchain(text, size));
      }),
      { numRuns: 600 },
    );
  });

  test('over arbitrary units', async () => {
    await fc.assert(
      fc.asyncProperty(units, sizes, async (text, size) => {
        expect(ours(text, size)).toEqual(await langchain(text, size));
      }),
      { numRuns: 400 },
    );
  });

  test('with a length of its own, such as a count of words', async () => {
    const lengthOf = (piece: string): number => piece.split(/\s+/).filter(Boolean).length;
    await fc.assert(
      fc.asyncProperty(spaced, sizes, async (text, size) => {
        const counted = { ...size, lengthOf };
        expect(ours(text, counted)).toEqual(await langchain(text, counted));
      }),
      { numRuns: 300 },
    );
  });

  test('where its own chunks are whole characters, with pairs of surrogates too', async () => {
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 120, size: 'max' }), sizes, async (text, size) => {
        const expected = await langchain(text, size);
        if (size.chunkSize < 2 || !expected.every((chunk) => chunk.isWellFormed())) return;
        compared++;
        expect(ours(text, size)).toEqual(expected);
      }),
      { numRuns: 600 },
    );
    expect(compared).toBeGreaterThan(100);
  });
});

describe('what LangChain does not promise', () => {
  test('a pair of surrogates is never cut, and chunks stay within their size', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300, size: 'max' }), sizes, (text, size) => {
        for (const chunk of ours(text.toWellFormed(), { ...size, chunkSize: size.chunkSize + 1 })) {
          expect(chunk.isWellFormed()).toBe(true);
          expect(chunk.length).toBeLessThanOrEqual(size.chunkSize + 1);
        }
      }),
    );
    const roses = '🌹'.repeat(300);
    expect(ours(roses, { chunkSize: 501, chunkOverlap: 51 }).join('').isWellFormed()).toBe(true);
  });

  test('chunks lie in the order of the text, and what is in none of them is white space', () => {
    fc.assert(
      fc.property(spaced, sizes, (text, size) => {
        let covered = 0;
        let lastStart = 0;
        for (const { start, end } of splitRecursively(text, size)) {
          expect(start).toBeGreaterThanOrEqual(lastStart);
          expect(text.slice(covered, Math.max(covered, start)).trim()).toBe('');
          lastStart = start;
          covered = Math.max(covered, end);
        }
        expect(text.slice(covered).trim()).toBe('');
      }),
    );
  });

  test('a megabyte without a single separator takes no more than a moment', () => {
    expect(splitRecursively('x'.repeat(1 << 20), { chunkSize: 500, chunkOverlap: 50 })).toHaveLength(2331);
  });
});
