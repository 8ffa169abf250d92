import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { newPlace } from '../cli/pipeline/runner.ts';
import { clipImages, tinyClip } from '../models/model-folders.ts';
import { lines, makePdf } from '../producers/pdf/make-pdf.ts';
import { hostileNames } from './hostile-corpus.ts';
import { runHostile } from './run-hostile.ts';

const picture = join(clipImages, 'wide.jpg');

it('images of all kinds survive a hostile corpus with every record accounted for', async () => {
  const place = newPlace();
  cpSync(tinyClip, place.path('tiny-clip'), { recursive: true });
  const valid = [
    { name: 'wide.jpg', bytes: readFileSync(picture) },
    { name: 'progressive.jpeg', bytes: await sharp(picture).jpeg({ progressive: true }).toBuffer() },
    { name: 'alpha.png', bytes: readFileSync(join(clipImages, 'alpha.png')) },
    { name: 'lossy.webp', bytes: readFileSync(join(clipImages, 'lossy.webp')) },
    { name: 'palette.gif', bytes: readFileSync(join(clipImages, 'palette.gif')) },
    { name: 'packed.tiff', bytes: await sharp(picture).resize(90).tiff({ compression: 'lzw' }).toBuffer() },
    { name: 'colours.avif', bytes: await sharp(picture).resize(90).avif().toBuffer() },
  ];
  const { produced, processed } = await runHostile(place, valid, '--model=./tiny-clip');
  expect(produced).toMatchObject([{ files: { read: { image: expect.any(Number) as number } } }]);
  const live = await place.live('embedstream.records');
  for (const { name } of valid) {
    const extension = name.slice(name.indexOf('.'));
    expect(live.has(`valid/${name}`), name).toBe(true);
    for (const each of hostileNames(extension)) {
      // A dot at its beginning hides a file.
      const id = `names ${extension}/${each}`;
      expect(live.has(id), JSON.stringify(id)).toBe(!each.startsWith('.'));
    }
    // Of sixteen cuts none is whole: each is told before it is on the log.
    for (const id of live.keys()) expect(id).not.toMatch(/^damaged\/(?!alpha)[a-z]+-cut/);
  }
  const clip = processed.find(({ model }) => model === 'tiny-clip');
  expect(clip).toMatchObject({ read: live.size, notApplicable: 0 });
}, 240_000);

it('PDF documents survive a hostile corpus with every record accounted for', async () => {
  const place = newPlace();
  const pages = Array.from({ length: 3 }, (_, page) => ({
    content: lines([`Words of page ${page}`, 'and some more']),
  }));
  await runHostile(place, [
    { name: 'plain.pdf', bytes: makePdf({ pages }) },
    { name: 'packed.PDF', bytes: makePdf({ pages, compress: true, objectStreams: true }) },
  ]);
  const live = await place.live('embedstream.records');
  for (const id of ['valid/plain.pdf#1', 'names .pdf/quo"te.pdf#1']) expect(live.has(id), id).toBe(true);
}, 240_000);
