import { gzipSync, zstdCompressSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { newPlace } from '../cli/pipeline/runner.ts';
import { runHostile } from './run-hostile.ts';

const ROWS = 200;
const jsonl = Array.from({ length: ROWS }, (_, i) =>
  JSON.stringify({ id: `j${i}`, text: `Words “of” ${i}`, nested: { n: i, list: [i, null] } }),
).join('\n');
const csv = ['id,text,n', ...Array.from({ length: ROWS }, (_, i) => `c${i},"Words, ""of"" é ${i}",${i}`)].join('\n');

it('JSON lines and CSV, also packed, survive a hostile corpus with every record accounted for', async () => {
  const place = newPlace();
  const { produced } = await runHostile(place, [
    { name: 'lines.jsonl', bytes: Buffer.from(jsonl) },
    { name: 'table.csv', bytes: Buffer.from(csv) },
    { name: 'lines.jsonl.gz', bytes: gzipSync(jsonl.replaceAll('"j', '"g')) },
    { name: 'table.csv.zst', bytes: zstdCompressSync(csv.replaceAll('\nc', '\nz')) },
  ]);
  expect(produced).toMatchObject([{ files: { skipped: { 'link out of the source': { count: 8 } } } }]);
  const live = await place.live('embedstream.records');
  for (const prefix of ['j', 'c', 'g', 'z'])
    for (let i = 0; i < ROWS; i++) expect(live.has(`${prefix}${i}`), `${prefix}${i}`).toBe(true);
}, 240_000);
