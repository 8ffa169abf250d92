import { Tensor, type InferenceSession } from 'onnxruntime-node';
import type { TextWorkerSettings } from './messages.ts';

/** A batch of texts as ids, one row after the other without padding. */
export interface TokenRows {
  readonly ids: Int32Array;
  /** (rows,) */
  readonly lengths: Uint32Array;
  /** Tokens that each row is brought to. */
  readonly padded: number;
}

/**
 * What the graph of a text model takes, whichever of the usual inputs it names.
 *
 * @throws Error for an input that is not known.
 */
export function feedsOf(
  session: Pick<InferenceSession, 'inputNames' | 'inputMetadata'>,
  rows: TokenRows,
  { padTo, emptyImage }: Pick<TextWorkerSettings, 'padTo' | 'emptyImage'>,
): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  const shape = [rows.lengths.length, rows.padded];
  session.inputNames.forEach((name, index) => {
    const metadata = session.inputMetadata[index];
    const type = metadata?.isTensor === true ? metadata.type : 'int64';
    const whole = (valueAt: (position: number, token: number) => number, padding: number): Tensor =>
      integers(rows, shape, type, valueAt, padding);
    if (name === 'input_ids') {
      feeds[name] = whole((position) => rows.ids[position] ?? 0, padTo?.id ?? 0);
    } else if (name === 'attention_mask') {
      feeds[name] = whole(() => 1, padTo === undefined ? 0 : 1);
    } else if (name === 'token_type_ids') {
      feeds[name] = whole(() => 0, 0);
    } else if (name === 'position_ids') {
      feeds[name] = whole((_position, token) => token, 0);
    } else if (name === 'pixel_values' && emptyImage !== undefined) {
      const { height, width } = emptyImage;
      feeds[name] = new Tensor('float32', new Float32Array(0), [0, 3, height, width]);
    } else if (name.startsWith('past_key_values.') && metadata?.isTensor === true) {
      feeds[name] = nothingPast(type, metadata.shape, rows.lengths.length);
    } else {
      throw new Error(`the graph wants an input that is not known: ${name}`);
    }
  });
  return feeds;
}

function integers(
  { lengths, padded }: TokenRows,
  shape: readonly number[],
  type: string,
  valueAt: (position: number, token: number) => number,
  padding: number,
): Tensor {
  const isWide = type !== 'int32';
  // int64 as pairs of little-endian words: a BigInt a token would cost more than tokenising.
  const stride = isWide ? 2 : 1;
  const words = new Int32Array(stride * lengths.length * padded);
  if (padding !== 0) for (let i = 0; i < words.length; i += stride) words[i] = padding;
  let position = 0;
  lengths.forEach((length, row) => {
    for (let token = 0; token < length; token++) words[stride * (row * padded + token)] = valueAt(position++, token);
  });
  return isWide ? new Tensor('int64', new BigInt64Array(words.buffer), shape) : new Tensor('int32', words, shape);
}

/** Of a decoder that could go on from earlier tokens: there are none. */
function nothingPast(type: string, shape: readonly (number | string)[], rows: number): Tensor {
  const dims = shape.map((size, axis) => (axis === 0 ? rows : typeof size === 'number' && size > 0 ? size : 0));
  return type === 'float16'
    ? new Tensor('float16', new Uint16Array(0), dims)
    : new Tensor('float32', new Float32Array(0), dims);
}
