import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonScanner } from '../../../src/producers/embeddings/json-scanner.ts';

/** Scans the text in chunks of these sizes, again and again. */
function scan(
  text: string | Buffer,
  sizes: readonly number[] = [1 << 20],
): { rows: string[]; broken: number; scanner: JsonScanner } {
  const scanner = new JsonScanner(1 << 20);
  const bytes = Buffer.from(text as string);
  const rows: string[] = [];
  let broken = 0;
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const end = at + (sizes[turn % sizes.length] ?? 1);
    for (const event of scanner.push(bytes.subarray(at, end))) {
      if (event.event === 'row') rows.push(event.bytes.toString());
      if (event.event === 'broken') broken++;
    }
    at = end;
  }
  return { rows, broken, scanner };
}

const rowsOf = fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 8 });
const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 });
const indent = fc.constantFrom(undefined, 2, '\t');

describe('the scanner of JSON documents', () => {
  it('finds the rows of any array, however it is written and cut into chunks', () => {
    fc.assert(
      fc.property(rowsOf, sizes, indent, (rows, chunks, space) => {
        const { rows: found, broken, scanner } = scan(JSON.stringify(rows, null, space), chunks);
        expect(broken).toBe(0);
        expect(scanner.isComplete).toBe(true);
        expect(found.map((row) => JSON.parse(row) as unknown)).toEqual(JSON.parse(JSON.stringify(rows)));
      }),
    );
  });

  it('finds the rows and the head of any document', () => {
    const head = fc.dictionary(
      fc.string().filter((key) => !/^(?:embeddings|vectors|data|points|records|__proto__)$/.test(key)),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(head, rowsOf, head, sizes, indent, (before, rows, after, chunks, space) => {
        const text = JSON.stringify({ ...before, embeddings: rows, ...after }, null, space);
        const { rows: found, broken, scanner } = scan(text, chunks);
        expect(broken).toBe(0);
        expect(scanner.isComplete).toBe(true);
        const { embeddings, ...others } = JSON.parse(text) as Record<string, unknown>;
        expect(found.map((row) => JSON.parse(row) as unknown)).toEqual(embeddings);
        expect(Object.fromEntries(scanner.head)).toEqual(others);
      }),
    );
  });

  it('is complete for no beginning of a document, and finds no row in it that is not there', () => {
    const rows = [
      { id: 'a}"', vector: [1, -2.5e-3] },
      { id: 'b\\', nested: { list: [[]] } },
    ];
    const text = Buffer.from(JSON.stringify({ version: '1.0', embeddings: rows, count: 2 }));
    const all = rows.map((row) => JSON.stringify(row));
    for (let end = 0; end < text.length; end++) {
      const { rows: found, scanner } = scan(text.subarray(0, end), [3]);
      expect(scanner.isComplete).toBe(false);
      expect(all.slice(0, found.length)).toEqual(found);
    }
    expect(scan(text, [3]).scanner.isComplete).toBe(true);
  });

  it.each(['', 'text', '[1,2]', '[{}] {}', '{"a" 1}x', '[{"a":1},7]'])('takes %s for no whole document', (text) => {
    const { broken, scanner } = scan(text);
    expect(broken === 1 || !scanner.isComplete).toBe(true);
  });

  it('ends with an event or the end of the input, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const { broken } = scan(Buffer.concat([Buffer.from('[{"a":'), bytes]), [5]);
        expect(broken).toBeLessThanOrEqual(1);
      }),
    );
  });
});
