import { Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { floatsOf } from '../../../src/models/local/tensor-floats.ts';

describe('floatsOf', () => {
  it('takes single precision as it is', () => {
    expect([...floatsOf(new Tensor('float32', Float32Array.of(1.5, -2), [2]))!]).toEqual([1.5, -2]);
  });

  it('widens half precision, given as numbers or as bits', () => {
    const bits = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x03ff, 0x7bff, 0x0000, 0x7c00, 0xfc00, 0x7e00);
    const numbers = [1, -2, 2 ** -24, 1023 * 2 ** -24, 65504, 0, Infinity, -Infinity, NaN];
    expect([...floatsOf({ type: 'float16', data: bits } as unknown as Tensor)!]).toEqual(numbers);
    expect([...floatsOf(new Tensor('float16', bits, [9]))!]).toEqual(numbers);
  });

  it('knows no other', () => {
    expect(floatsOf(new Tensor('int64', BigInt64Array.of(1n), [1]))).toBeUndefined();
    expect(floatsOf(undefined)).toBeUndefined();
  });
});
