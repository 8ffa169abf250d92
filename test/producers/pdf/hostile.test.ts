import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createPdfFormat } from '../../../src/producers/pdf/pdf-format.ts';
import { escaped, lines, makePdf } from './make-pdf.ts';
import { paragraphs, randomNumbers } from './texts.ts';

const folder = mkdtempSync(join(tmpdir(), 'embedstream-pdf-hostile-'));
const format = createPdfFormat({ processes: 2 });

afterAll(async () => {
  await format.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Outcome {
  readonly items: number;
  readonly faults: readonly string[];
}

async function outcomeOf(bytes: Buffer, name: string): Promise<Outcome> {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  const open = await format.open({ path, name, bytes: bytes.length, modifiedMs: 0 }, {});
  let items = 0;
  const faults: string[] = [];
  for await (const batch of open.read()) {
    for (const item of batch.items) {
      if (item.kind === 'fault') {
        faults.push(item.code);
        expect(item.raw).toEqual(bytes);
      } else {
        items++;
        expect(item.text!.isWellFormed()).toBe(true);
      }
    }
  }
  return { items, faults };
}

const pages = Array.from({ length: 4 }, (_, page) => ({
  content: lines(
    paragraphs(page)
      .replace(/[^\n -~]/g, '-')
      .split('\n'),
  ),
}));

describe.each([
  ['plain', makePdf({ pages, info: `/Title (${escaped('A (title)')})` })],
  ['packed', makePdf({ pages, compress: true, objectStreams: true })],
  ['encrypted', makePdf({ pages, compress: true, encrypt: { method: 'aes128', userPassword: '' } })],
])('a %s document with flipped bits', (name, pdf) => {
  test('yields records or says why not, a hundred times', async () => {
    const random = randomNumbers(pdf.length);
    const spoilt = Array.from({ length: 100 }, (_, round) => {
      const bytes = Buffer.from(pdf);
      for (let flips = 1 << (round % 7); flips > 0; flips--) {
        const at = Math.floor(random() * bytes.length);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
      }
      return bytes;
    });
    const outcomes = await Promise.all(spoilt.map((bytes, round) => outcomeOf(bytes, `${name}-${round}.pdf`)));
    expect(outcomes.filter(({ items, faults }) => items === 0 && faults.length !== 1)).toEqual([]);
    expect(outcomes.some(({ items }) => items > 0)).toBe(true);
    expect(outcomes.some(({ faults }) => faults.length > 0)).toBe(true);
  });
});
