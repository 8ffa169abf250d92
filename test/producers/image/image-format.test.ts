import { linkSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { createMemoryLog } from '../../../src/log/memory/memory-log.ts';
import { imageFileFormat } from '../../../src/producers/image/image-format.ts';
import { openSource } from '../../../src/producers/open-source.ts';
import { clipImages } from '../../models/model-folders.ts';
import { codec, latestValues, publishRows, topics } from '../../pipeline-fixtures.ts';
import { fixture, folderOf, noisyJpeg, plainJpeg, readSource } from './images.ts';

it('a folder of images: each a record with its name, its size and its bytes as they are', async () => {
  const log = createMemoryLog();
  const report = await publishRows(log, [], { source: await openSource(clipImages) });
  const names = readdirSync(clipImages).sort();
  expect(report).toMatchObject({ created: names.length, deadLettered: 0 });
  const records = await latestValues(log, topics.records);
  expect([...records.keys()].sort()).toEqual(names);
  const recordOf = (name: string) => codec.decodeSourceRecord(records.get(name)!);
  for (const name of names) expect(Buffer.from(recordOf(name).image!.bytes!)).toEqual(fixture(name));
  const { image, metadata, text } = recordOf('turned.jpg');
  expect(text).toBeUndefined();
  expect(image?.mime).toBe('image/jpeg');
  // As it is shown: its EXIF orientation is applied.
  expect(Object.fromEntries(metadata)).toEqual({
    source: 'turned.jpg',
    width: 90,
    height: 160,
    mime: 'image/jpeg',
    bytes: fixture('turned.jpg').length,
  });
  const again = await publishRows(log, [], { source: await openSource(clipImages) });
  expect(again).toMatchObject({ unchanged: names.length, created: 0 });
});

it('what a file is called does not count, except that one with the name of an image should be one', async () => {
  const avif = await sharp(fixture('exact.png')).avif().toBuffer();
  const tiff = await sharp(fixture('exact.png')).tiff().toBuffer();
  const folder = folderOf({
    'a.dat': fixture('wide.jpg'),
    'b.csv': fixture('exact.png'),
    'c.png': avif,
    d: tiff,
    'e.txt': 'words',
    'f.jpg': 'words',
    'g.gif': '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
  });
  const { items, faults } = await readSource(folder);
  expect(items.map(({ id, metadata }) => [id, metadata.get('mime')])).toEqual([
    ['a.dat', 'image/jpeg'],
    ['b.csv', 'image/png'],
    ['c.png', 'image/avif'],
    ['d', 'image/tiff'],
  ]);
  expect(faults.map(({ file, code }) => [file, code])).toEqual([
    ['f.jpg', 'IMAGE_FORMAT_UNKNOWN'],
    ['g.gif', 'IMAGE_FORMAT_UNKNOWN'],
  ]);
});

it('faults say which they are, keep the bytes, and let nothing vanish', async () => {
  const wide = fixture('wide.jpg');
  const bomb = await plainJpeg(9_000, 9_000);
  const folder = folderOf({
    'bomb.jpg': bomb,
    'cut.jpg': wide.subarray(0, wide.length / 2),
    'cut.webp': fixture('lossy.webp').subarray(0, -20),
    'no end.png': fixture('exact.png').subarray(0, -12),
    'spoilt.png': Buffer.concat([fixture('exact.png').subarray(0, 40), Buffer.alloc(500)]),
  });
  const { items, faults, batches } = await readSource(folder, { maxInlineBytes: 5_000_000 });
  expect(faults.map(({ file, code }) => [file, code])).toEqual([
    ['bomb.jpg', 'IMAGE_TOO_LARGE'],
    ['cut.jpg', 'IMAGE_TRUNCATED'],
    ['cut.webp', 'IMAGE_TRUNCATED'],
    ['spoilt.png', 'IMAGE_TRUNCATED'],
  ]);
  // Every pixel is there, only the end is not said: decoders take it, and so do we.
  expect(items.map(({ id }) => id)).toEqual(['no end.png']);
  expect(faults[0]?.reason).toMatch(/bomb\.jpg: it has 9000 × 9000 pixels, and 64 million are read at most\.$/);
  expect(faults[1]?.raw).toEqual(wide.subarray(0, wide.length / 2));
  // What an earlier run has published of these files is kept.
  expect(batches.flatMap(({ unreadFiles = [] }) => unreadFiles)).toEqual(faults.map(({ file }) => file));
});

it('an image of too many bytes names the flags, and is scaled down where that is asked for', async () => {
  const large = await noisyJpeg(600, 300);
  const folder = folderOf({ 'large.jpg': large, 'small.jpg': fixture('wide.jpg') });
  const maxInlineBytes = Math.floor(large.length / 3);
  const refused = await readSource(folder, { maxInlineBytes });
  expect(refused.faults).toMatchObject([{ code: 'IMAGE_TOO_MANY_BYTES', file: 'large.jpg' }]);
  expect(refused.faults[0]?.reason).toMatch(
    /more than --max-inline-bytes=\d+.*--image-max-side=1024.*first \d+ of \d+/s,
  );

  const { items } = await readSource(folder, { maxInlineBytes, imageMaxSide: 200 });
  const [scaled, small] = items;
  expect(Object.fromEntries(scaled!.metadata)).toMatchObject({ width: 600, height: 300, bytes: large.length });
  expect(scaled?.image?.mime).toBe('image/jpeg');
  expect(await sharp(scaled?.image?.bytes).metadata()).toMatchObject({ width: 200, height: 100, format: 'jpeg' });
  expect(small?.image?.bytes).toEqual(fixture('wide.jpg'));
  const same = await readSource(folder, { maxInlineBytes, imageMaxSide: 200 });
  expect(same.items[0]?.image).toEqual(scaled?.image);

  const tight = await readSource(folder, { maxInlineBytes: 2_000, imageMaxSide: 550 });
  expect(tight.faults[0]).toMatchObject({ code: 'IMAGE_TOO_MANY_BYTES' });
  expect(tight.faults[0]?.reason).toMatch(/Give a lower --image-max-side/);
  await expect(readSource(folder, { maxInlineBytes: 9_000_000 })).rejects.toThrow(
    /--max-inline-bytes can be \d+ at most/,
  );
});

it('--metadata chooses, and a name that is too long for an id is a dead letter', async () => {
  const long = `${'x'.repeat(200)}/`.repeat(5);
  const folder = folderOf({ 'a.png': fixture('exact.png'), [`${long}${'y'.repeat(60)}.png`]: fixture('exact.png') });
  const { items, faults } = await readSource(folder, { metadata: ['width', 'mime'] });
  expect(items.map(({ metadata }) => Object.fromEntries(metadata))).toEqual([{ width: 64, mime: 'image/png' }]);
  expect(faults).toMatchObject([{ code: 'IMAGE_NAME_TOO_LONG' }]);
});

it('a file of its own, a glob, and the same image under two names', async () => {
  const folder = folderOf({ 'a/one.png': fixture('exact.png'), 'a/two.png': fixture('exact.png'), 'b.jpg': 'x' });
  expect((await readSource(join(folder, 'a', 'one.png'))).items).toMatchObject([{ id: 'one.png' }]);
  const log = createMemoryLog();
  const report = await publishRows(log, [], { source: await openSource(join(folder, '**/*.png')) });
  expect(report).toMatchObject({ created: 2, deadLettered: 0 });
  expect([...(await latestValues(log, topics.records)).keys()].sort()).toEqual(['a/one.png', 'a/two.png']);
});

it('of many files that are opened before any is read, only some are read ahead', async () => {
  const large = await noisyJpeg(1600, 1200);
  const folder = folderOf({ 'a.jpg': large });
  for (let i = 0; i < 60; i++) linkSync(join(folder, 'a.jpg'), join(folder, `b${i}.jpg`));
  const stop = new AbortController();
  const opened = await Promise.all(
    readdirSync(folder).map((name) =>
      imageFileFormat.open(
        { path: join(folder, name), name, bytes: large.length, modifiedMs: 0, signal: stop.signal },
        { maxInlineBytes: 7_000_000 },
      ),
    ),
  );
  // Only what has been read, or is being read, can still become an item.
  rmSync(folder, { recursive: true });
  const codes: string[] = [];
  for (const each of opened)
    for await (const batch of each.read())
      for (const item of batch.items) codes.push(item.kind === 'item' ? 'item' : item.code);
  expect(codes).toHaveLength(61);
  expect(codes.filter((code) => code === 'item').length).toBeLessThanOrEqual(Math.ceil(2 ** 26 / large.length));
  expect(codes.at(-1)).toBe('IMAGE_FILE_MISSING');
});
