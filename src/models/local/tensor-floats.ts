import type { Tensor } from 'onnxruntime-node';

/**
 * The numbers of a tensor of half or single precision; ONNX Runtime may own their memory.
 *
 * @returns undefined for any other tensor
 */
export function floatsOf(tensor: Tensor | undefined): Float32Array | undefined {
  if (tensor?.type === 'float32' && tensor.data instanceof Float32Array) return tensor.data;
  if (tensor?.type !== 'float16') return undefined;
  const { data } = tensor;
  // Bits where the runtime has no Float16Array (before Node 24).
  if (data instanceof Uint16Array) return Float32Array.from(data, halfToSingle);
  // A Float16Array, which the declared types do not have.
  return Float32Array.from(data as unknown as ArrayLike<number>);
}

/** IEEE 754 binary16: 1 bit of sign, 5 of exponent (bias 15), 10 of fraction. */
function halfToSingle(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
