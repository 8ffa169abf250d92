import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textChunks } from '../../../src/models/local/text-chunks.ts';

describe('textChunks', () => {
  it('covers every text once, in order, in chunks that are short of work', () => {
    const texts = fc.array(
      fc.integer({ min: 0, max: 80_000 }).map((length) => 'x'.repeat(length)),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(texts, (all) => {
        const chunks = textChunks(all);
        expect(chunks.flatMap(([first, end]) => all.slice(first, end))).toEqual(all);
        for (const [first, end] of chunks) {
          const units = all.slice(first, end).reduce((sum, text) => sum + text.length, 0);
          expect(end - first).toBeGreaterThan(0);
          expect(end - first === 1 || (end - first <= 64 && units <= 65_536)).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });
});
