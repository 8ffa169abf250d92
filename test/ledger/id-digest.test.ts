import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { digestOfId, wordOfDigest } from '../../src/ledger/id-digest.ts';

it('has the words of the SHA-256 of the UTF-8', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (id) => {
      const digest = createHash('sha256').update(id).digest();
      for (const of of [digestOfId(id), digestOfId(Buffer.from(id))])
        for (const at of [0, 4, 8, 28]) expect(wordOfDigest(of, at)).toBe(digest.readUInt32LE(at));
    }),
  );
});
