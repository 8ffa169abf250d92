import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BulkBody } from '../../../../src/sinks/stores/elasticsearch/bulk-body.ts';

const vectors = fc.float32Array({ minLength: 3, maxLength: 3, noNaN: true, noDefaultInfinity: true });

it('writes vectors as base64 of big-endian numbers, and leaves them as they are', () => {
  fc.assert(
    fc.property(vectors, (vector) => {
      const before = vector.slice();
      const body = new BulkBody(3, { asBase64: true }).text('ü').vector(vector).text(',').sameVector();
      body.endAction();
      const [first = '', second] = body.bytesOf([0]).toString().slice(1).split(',');
      expect(second).toBe(first);
      const bytes = Buffer.from(JSON.parse(first) as string, 'base64');
      expect([0, 4, 8].map((at) => bytes.readFloatBE(at))).toEqual([...vector]);
      expect(vector).toEqual(before);
    }),
  );
});

it('writes them as JSON numbers, where base64 is not read or they have another length', () => {
  for (const [dimension, asBase64] of [
    [3, false],
    [4, true],
  ] as const) {
    const body = new BulkBody(dimension, { asBase64 }).vector(Float32Array.of(1.5, -2, 0));
    body.endAction();
    expect(JSON.parse(body.bytesOf([0]).toString())).toEqual([1.5, -2, 0]);
  }
});

it('gives any of its actions, in any order, however long it grows', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme', maxLength: 60_000 }), { minLength: 1, maxLength: 20 }),
      (texts) => {
        const body = new BulkBody(1, { asBase64: true });
        for (const text of texts) body.text(text).endAction();
        expect(body.actions).toBe(texts.length);
        const all = [...texts.keys()];
        expect(body.bytesOf(all).toString()).toBe(texts.map((text) => text.toWellFormed()).join(''));
        const some = all.filter((i) => i % 2 === 1);
        expect(body.bytesOf(some).toString()).toBe(some.map((i) => texts[i]?.toWellFormed()).join(''));
      },
    ),
    { numRuns: 30 },
  );
});
