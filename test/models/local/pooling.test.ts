import { describe, expect, it } from 'vitest';
import { normaliseRows, pool, shortenRows } from '../../../src/models/local/pooling.ts';

// (2 rows, 3 tokens, 2 dimensions); the second row has one token and two of padding
const hidden = Float32Array.of(1, 2, 3, 4, 5, 9, 7, 8, 100, 100, 100, 100);
const lengths = Uint32Array.of(3, 1);

describe('pool', () => {
  it('means over the tokens that are no padding', () => {
    expect([...pool(hidden, lengths, 3, 2, 'mean')]).toEqual([3, 5, 7, 8]);
  });
  it('takes the first token', () => {
    expect([...pool(hidden, lengths, 3, 2, 'cls')]).toEqual([1, 2, 7, 8]);
  });
  it('takes the last token that is no padding', () => {
    expect([...pool(hidden, lengths, 3, 2, 'last')]).toEqual([5, 9, 7, 8]);
  });
});

describe('shortenRows', () => {
  const vectors = Float32Array.of(1, 2, 3, 6, -4, 0, 4, 8);

  it('takes the first numbers of each row', () => {
    expect([...shortenRows(vectors, { full: 4, dimension: 2, layerNorm: false })]).toEqual([1, 2, -4, 0]);
  });
  it('brings a whole row to mean 0 and variance 1 before it is cut, where the model wants that', () => {
    // torch.nn.functional.layer_norm(torch.tensor([[1., 2, 3, 6], [-4, 0, 4, 8]]), (4,))[:, :2]
    const expected = [-1.0690435, -0.5345217, -1.3416399, -0.4472133];
    const cut = shortenRows(vectors, { full: 4, dimension: 2, layerNorm: true });
    expected.forEach((value, i) => {
      expect(cut[i]).toBeCloseTo(value, 5);
    });
  });
  it('copies what is not cut', () => {
    const copy = shortenRows(vectors, { full: 4, dimension: 4, layerNorm: true });
    expect([...copy]).toEqual([...vectors]);
    expect(copy.buffer).not.toBe(vectors.buffer);
  });
});

describe('normaliseRows', () => {
  it('brings rows to length 1 and names those it cannot', () => {
    const vectors = Float32Array.of(3, 4, 0, 0, NaN, 1, 1e30, 1e30);
    expect(normaliseRows(vectors, 2, true)).toEqual([1, 2]);
    expect(vectors[0]).toBeCloseTo(0.6);
    expect(vectors[6]).toBeCloseTo(Math.SQRT1_2);
  });
  it('leaves the length alone where the model does', () => {
    const vectors = Float32Array.of(3, 4);
    expect(normaliseRows(vectors, 2, false)).toEqual([]);
    expect([...vectors]).toEqual([3, 4]);
  });
});
