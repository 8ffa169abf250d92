import { describe, expect, it } from 'vitest';
import { fingerprintOf, type FingerprintParts } from '../../src/models/fingerprint.ts';

const parts: FingerprintParts = {
  model: 'm',
  weights: { 'a.onnx': '00', 'b.onnx': '11' },
  tokenizer: '22',
  dtype: 'fp32',
  pooling: 'mean',
  normalise: true,
  prefix: '',
  dimension: 4,
  maxTokens: 8,
  preprocessing: '1',
};

describe('fingerprintOf', () => {
  it('does not depend on the order in which parts are given', () => {
    const reversed = Object.fromEntries(Object.entries(parts).reverse()) as unknown as FingerprintParts;
    expect(fingerprintOf({ ...reversed, weights: { 'b.onnx': '11', 'a.onnx': '00' } })).toBe(fingerprintOf(parts));
  });

  it('stays what it is: a change here would embed every record again', () => {
    expect(fingerprintOf(parts)).toBe('87c61c93919b3347faf964cdd622b5d0b8ca8f5ec95c07036ddb724e4d84eb73');
  });

  it('moves with every part', () => {
    const changed: Partial<FingerprintParts>[] = [
      { model: 'n' },
      { weights: { 'a.onnx': '00', 'b.onnx': '12' } },
      { tokenizer: '23' },
      { dtype: 'fp16' },
      { pooling: 'cls' },
      { normalise: false },
      { prefix: 'query: ' },
      { dimension: 5 },
      { maxTokens: 9 },
      { preprocessing: '2' },
    ];
    expect(changed.flatMap((change) => Object.keys(change)).sort()).toEqual(Object.keys(parts).sort());
    const all = [parts, ...changed.map((change) => ({ ...parts, ...change }))].map(fingerprintOf);
    expect(new Set(all).size).toBe(all.length);
  });
});
