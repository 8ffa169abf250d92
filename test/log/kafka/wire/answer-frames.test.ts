import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AnswerFrames } from '../../../../src/log/kafka/wire/answer-frames.ts';

function frame(body: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
}

/** As a socket hands it over: always in the same memory. */
function feed(frames: AnswerFrames, bytes: Buffer, pieces: readonly number[]): void {
  const memory = Buffer.alloc(Math.max(1, ...pieces));
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = Math.min(pieces[i % pieces.length] ?? 1, bytes.length - at);
    bytes.copy(memory, 0, at, at + size);
    frames.take(memory.subarray(0, size));
    memory.fill(0xee);
    at += size;
  }
}

describe('AnswerFrames', () => {
  it('hands over each answer whole, however it comes', () => {
    const bodies = fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { maxLength: 8 });
    const pieces = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(bodies, pieces, (contents, sizes) => {
        const answers = contents.map(frame);
        const got: Buffer[] = [];
        feed(new AnswerFrames((answer) => got.push(answer)), Buffer.concat(answers), sizes);
        expect(got).toEqual(answers);
      }),
    );
  });

  it('gives a large answer memory of its own, of just its size', () => {
    const got: Buffer[] = [];
    const answer = frame(randomBytes(100_000));
    feed(new AnswerFrames((each) => got.push(each)), answer, [65_536]);
    expect(got).toEqual([answer]);
    expect(got[0]?.buffer.byteLength).toBe(answer.length);
  });

  it.each([
    ['a TLS alert', Buffer.from([21, 3, 3, 0, 2, 2, 70])],
    ['HTTP', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['a negative length', Buffer.from([255, 255, 255, 255, 1, 2])],
  ])('hands on what is no answer as it comes: %s', (_, bytes) => {
    const got: Buffer[] = [];
    const frames = new AnswerFrames((each) => got.push(each));
    feed(frames, bytes, [3]);
    expect(Buffer.concat(got)).toEqual(bytes);
  });
});
