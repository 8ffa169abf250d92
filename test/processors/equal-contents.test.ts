import { expect, it } from 'vitest';
import { type Answers, EqualContents } from '../../src/processors/equal-contents.ts';

const hash = (number: number): Uint8Array => Buffer.alloc(32, number);

it('lets go of the oldest batches beyond 16 MiB of vectors, but not of a content that came again', () => {
  // Two vectors fill it.
  const contents = new EqualContents((16 * 1024 * 1024) / 4 / 2);
  const batches: Answers[] = [{}, {}, {}, {}];
  contents.begin(batches[0]!);
  contents.add(hash(1));
  contents.add(hash(2));
  contents.begin(batches[1]!);
  expect(contents.add(hash(1))).toEqual({ answers: batches[1], index: 0 });
  contents.begin(batches[2]!);
  expect(contents.find(hash(2))).toBeUndefined();
  expect(contents.find(hash(1))).toEqual({ answers: batches[1], index: 0 });
  expect(contents.find(hash(1))!.answers).toBe(batches[1]);
});
