import { describe, expect, it } from 'vitest';
import { feedsOf } from '../../../src/models/local/encoder-feeds.ts';

type Session = Parameters<typeof feedsOf>[0];

function session(
  inputs: readonly (readonly [name: string, type: string, shape: readonly (number | string)[]])[],
): Session {
  return {
    inputNames: inputs.map(([name]) => name),
    inputMetadata: inputs.map(([name, type, shape]) => ({ name, isTensor: true, type, shape })),
  } as unknown as Session;
}

const rows = { ids: Int32Array.of(5, 6, 7, 8, 9), lengths: Uint32Array.of(3, 2), padded: 4 };
const WIDE = ['batch', 'sequence'];

describe('feedsOf', () => {
  it('fills whichever of the usual inputs there are, padding behind each text', () => {
    const names = ['input_ids', 'attention_mask', 'token_type_ids', 'position_ids'];
    const feeds = feedsOf(session(names.map((name) => [name, 'int64', WIDE])), rows, {});
    const values = names.map((name) => Array.from(feeds[name]!.data as BigInt64Array, Number));
    expect(values).toEqual([
      [5, 6, 7, 0, 8, 9, 0, 0],
      [1, 1, 1, 0, 1, 1, 0, 0],
      [0, 0, 0, 0, 0, 0, 0, 0],
      [0, 1, 2, 0, 0, 1, 0, 0],
    ]);
    expect(feeds['input_ids']?.dims).toEqual([2, 4]);
  });

  it('gives 32 bits where the graph wants them', () => {
    const feeds = feedsOf(session([['input_ids', 'int32', WIDE]]), rows, {});
    expect(feeds['input_ids']?.type).toBe('int32');
    expect([...(feeds['input_ids']!.data as Int32Array)]).toEqual([5, 6, 7, 0, 8, 9, 0, 0]);
  });

  it('brings texts to one length for a tower that reads the padding', () => {
    const inputs = session([
      ['input_ids', 'int64', WIDE],
      ['attention_mask', 'int64', WIDE],
    ]);
    const feeds = feedsOf(inputs, rows, { padTo: { length: 4, id: 1 } });
    expect(Array.from(feeds['input_ids']!.data as BigInt64Array, Number)).toEqual([5, 6, 7, 1, 8, 9, 1, 1]);
    expect(Array.from(feeds['attention_mask']!.data as BigInt64Array, Number)).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
  });

  it('gives no image and nothing past where the graph could take them', () => {
    const inputs = session([
      ['pixel_values', 'float32', ['images', 3, 14, 14]],
      ['past_key_values.0.key', 'float16', ['batch', 2, 'past', 8]],
    ]);
    const feeds = feedsOf(inputs, rows, { emptyImage: { width: 14, height: 14 } });
    expect(feeds['pixel_values']?.dims).toEqual([0, 3, 14, 14]);
    expect(feeds['past_key_values.0.key']).toMatchObject({ type: 'float16', dims: [2, 2, 0, 8] });
  });

  it('refuses an input that it does not know', () => {
    expect(() => feedsOf(session([['bbox', 'int64', WIDE]]), rows, {})).toThrow(/not known: bbox/);
    expect(() => feedsOf(session([['pixel_values', 'float32', WIDE]]), rows, {})).toThrow(/not known: pixel_values/);
  });
});
