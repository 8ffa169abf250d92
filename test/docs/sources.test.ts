import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { newPlace } from '../cli/pipeline/runner.ts';
import { shellWords } from '../command-lines.ts';
import { clipImages } from '../models/model-folders.ts';
import { lines, makePdf } from '../producers/pdf/make-pdf.ts';

const document = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'sources.md'), 'utf8');
/** Of sources that need neither the web nor a database. */
const commands = Array.from(document.matchAll(/^npm run produce -- (.*)$/gm), ([, flags = '']) => flags).filter(
  (flags) => !/\/\/|env:/.test(flags),
);

it('commands of docs/sources.md publish what they say', async () => {
  expect(commands.length).toBeGreaterThan(8);
  const place = newPlace();
  cpSync(clipImages, place.path('photos'), { recursive: true });
  cpSync(join(clipImages, 'wide.jpg'), place.path('photos', '17.jpg'));
  place.write('objects.csv', 'Object ID,Title,Medium,Public\n17,A red chair,Oak,True\n');
  place.write(
    'papers.jsonl',
    '{"paper_id":"astro-ph/1","paragraph":5,"body":{"text":"Words"},"authors":"A","year":1999}\n',
  );
  place.write('assets.jsonl', '{"id":"a","file":"wide.jpg"}\n');
  place.write('reports/2024.pdf', makePdf({ pages: [{ content: lines(['Words of a page']) }] }));
  const published = new Map<string, unknown>();
  for (const flags of commands) {
    // Each by itself: what is published already is not published again.
    const { produced } = await place.done('produce', ...shellWords(flags), '--dry-run', '--data-dir=fresh');
    expect(produced, flags).toMatchObject([{ deadLettered: 0 }]);
    published.set(flags, produced[0]?.['published']);
  }
  expect([...published.values()].every((count) => Number(count) >= 1)).toBe(true);
}, 120_000);
