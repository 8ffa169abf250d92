import { expect, test } from 'vitest';
import {
  RowStream,
  END,
  NEED_BYTES,
  ROW_CUT,
  ROW_FOUND,
  ROW_TOO_LARGE,
} from '../../../src/producers/csv/row-stream.ts';
import { createTranscoder } from '../../../src/producers/csv/transcoder.ts';

const MIB = 1024 * 1024;

/** The same chunk again and again, as of a file of `total` bytes. */
function* repeated(chunk: Uint8Array, total: number): Generator<Uint8Array> {
  for (let sent = 0; sent < total; sent += chunk.length) yield chunk;
}

async function count(chunks: Iterator<Uint8Array>, maxRowBytes: number) {
  const stream = new RowStream(chunks, { delimiter: 0x2c, transcoder: createTranscoder('utf-8'), maxRowBytes });
  const events = { rows: 0, cut: 0, tooLarge: 0, window: 0, memory: 0 };
  for (;;) {
    const event = stream.next();
    if (event === END) return events;
    if (event === ROW_FOUND) events.rows++;
    if (event === ROW_CUT) events.cut++;
    if (event === ROW_TOO_LARGE) events.tooLarge++;
    if (event === NEED_BYTES) {
      await stream.fill();
      events.window = Math.max(events.window, stream.window.length);
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      events.memory = Math.max(events.memory, heapUsed + arrayBuffers);
    }
  }
}

test('100 MiB of rows pass through a window of two chunks', async () => {
  const row = '1234567,"a title, quoted",clay\n';
  const chunk = Buffer.from(row.repeat(40_000)).subarray(0, MIB - 7);
  const before = process.memoryUsage();
  const { rows, window, memory } = await count(repeated(chunk, 100 * MIB), 8 * MIB);
  expect(rows).toBeGreaterThan((99 * MIB) / row.length);
  expect(window).toBeLessThan(2.1 * MIB);
  expect(memory - before.heapUsed - before.arrayBuffers).toBeLessThan(64 * MIB);
});

test('100 MiB without a line end are one row that is too large, not 100 MiB of memory', async () => {
  const chunk = Buffer.alloc(MIB, 'abc,');
  const { rows, tooLarge, window } = await count(repeated(chunk, 100 * MIB), 8 * MIB);
  expect([rows, tooLarge]).toEqual([0, 1]);
  expect(window).toBeLessThan(24 * MIB);
});

test('a quote that is never closed costs one line of 100 MiB', async () => {
  const chunk = Buffer.from('1234567,a title,clay\n'.repeat(50_000));
  function* chunks(): Generator<Uint8Array> {
    yield Buffer.from('1,"b,2\n');
    yield* repeated(chunk, 100 * MIB);
  }
  const { rows, cut, window } = await count(chunks(), 8 * MIB);
  expect(cut).toBe(1);
  expect(rows).toBe(Math.ceil((100 * MIB) / chunk.length) * 50_000);
  expect(window).toBeLessThan(24 * MIB);
});
