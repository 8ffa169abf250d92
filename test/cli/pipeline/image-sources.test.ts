import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { createCodec } from '../../../src/codec/create-codec.ts';
import { ImagePreprocessor } from '../../../src/models/local/image/preprocess.ts';
import { clipImages, clipVectors, tinyClip } from '../../models/model-folders.ts';
import { pythonEnvironment, runPython } from '../../python/environment.ts';
import { newPlace, type Place } from './runner.ts';

const codec = createCodec();
const python = await pythonEnvironment();
const reference = JSON.parse(readFileSync(clipVectors, 'utf8')) as { images: Record<string, number[]> };
const names = readdirSync(clipImages).sort();

function placeWithModel(): Place {
  const place = newPlace();
  cpSync(tinyClip, place.path('tiny-clip'), { recursive: true });
  cpSync(clipImages, place.path('pictures'), { recursive: true });
  return place;
}

async function expectVectors(place: Place, fileOf: (id: string) => string): Promise<void> {
  const live = await place.live('embedstream.embeddings.tiny-clip');
  for (const [id, { value }] of live) {
    const { vector } = codec.decodeEmbedding(value!);
    reference.images[fileOf(id)]!.forEach((expected, i) => {
      expect(Math.abs(expected - vector[i]!), id).toBeLessThan(1e-4);
    });
  }
}

it('a folder of images is published and embedded with the vectors that PyTorch has of them', async () => {
  const place = placeWithModel();
  const command = ['embed', '--source=pictures', '--model=./tiny-clip', '--sink=parquet'];
  const first = await place.done(...command);
  expect(first.produced).toMatchObject([
    { source: 'pictures', read: names.length, published: names.length, files: { read: { image: names.length } } },
  ]);
  expect(first.processed).toMatchObject([{ embedded: names.length, deadLettered: 0 }]);
  await expectVectors(place, (id) => id);
  const rows = await place.rows('data', 'parquet', 'tiny-clip');
  expect(rows.map(({ id }) => id).sort()).toEqual(names);
  const dry = await place.done('produce', '--source=pictures', '--dry-run');
  const known = { id: 'alpha.png', decision: 'unchanged', parts: { image: 9345 } };
  const shown = expect.arrayContaining([expect.objectContaining(known)]) as unknown[];
  expect(dry).toMatchObject({ dryRun: [{ records: shown }] });
  expect((await place.done(...command)).produced).toMatchObject([{ published: 0, unchanged: names.length }]);
  expect(await place.done('reconcile')).toMatchObject({ differences: 0 });
});

it('rows with images by path and by URL are embedded, and reconcile accounts for those that are not', async () => {
  const place = placeWithModel();
  const server = createServer(({ url = '' }, response) => {
    const name = url.slice(1);
    if (names.includes(name)) response.end(readFileSync(`${clipImages}/${name}`));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
  });
  const host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const table = (prefix: string): string =>
    [
      'id,title,file',
      ...names.map((name) => `${prefix}-${name},The picture ${name},${name}`),
      `${prefix}-none,None,none.jpg`,
    ].join('\n');
  place.write('paths.csv', table('path'));
  place.write('urls.csv', table('url'));
  const byPath = await place.json('produce', '--source=paths.csv', '--image=file', '--images-dir=pictures');
  expect(byPath).toMatchObject({
    code: 1,
    json: { produced: [{ published: names.length, deadLettersByReason: { IMAGE_FILE_MISSING: 1 } }] },
  });
  const byUrl = ['produce', '--source=urls.csv', `--image-url=${host}/{file}`];
  const refused = await place.json(...byUrl, '--limit=1');
  expect(refused.json.produced).toMatchObject([{ deadLettersByReason: { URL_PRIVATE_ADDRESS: names.length + 1 } }]);
  const fetched = await place.json(...byUrl, '--allow-private-hosts');
  expect(fetched.json.produced).toMatchObject([{ published: names.length, deadLettersByReason: { URL_REFUSED: 1 } }]);
  expect((await place.done('process', '--model=./tiny-clip')).processed).toMatchObject([
    { read: 2 * names.length, embedded: 2 * names.length },
  ]);
  await expectVectors(place, (id) => id.replace(/^(?:path|url)-/, ''));
  expect(await place.done('reconcile')).toMatchObject({ differences: 0 });
});

it.skipIf('missing' in python)(
  "what is published of every kind of image has the pixels of Python's Pillow",
  { timeout: 240_000 },
  async () => {
    const place = newPlace();
    const { python: interpreter } = python as { readonly python: string };
    const folder = place.path('made');
    mkdirSync(folder);
    await runPython(interpreter, 'clip_pixels.py', ['make', folder]);
    // A photo of 12 million pixels is larger than a record's share, of which the flag takes more.
    await place.done('produce', '--source=made', '--max-inline-bytes=7MB');
    const records = await place.live('embedstream.records');
    const published = place.path('published');
    mkdirSync(published);
    for (const [id, { value }] of records)
      writeFileSync(`${published}/${id}`, codec.decodeSourceRecord(value!).image!.bytes!);
    expect([...records.keys()].sort()).toEqual(readdirSync(folder).sort());
    await runPython(interpreter, 'clip_pixels.py', ['pixels', folder, '64']);
    const preprocessor = new ImagePreprocessor({
      resize: { shortest: 64 },
      crop: { width: 64, height: 64 },
      filter: 'bicubic',
      rescale: 1 / 255,
      mean: [0.48145466, 0.4578275, 0.40821073],
      std: [0.26862954, 0.26130258, 0.27577711],
    });
    const ours = new Float32Array(preprocessor.length);
    for (const id of records.keys()) {
      await preprocessor.write(readFileSync(`${published}/${id}`), ours);
      const bytes = readFileSync(`${folder}/${id}.f32`);
      const theirs = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
      const most = ours.reduce((largest, value, i) => Math.max(largest, Math.abs(value - theirs[i]!)), 0);
      // Two libraries bring the colours of an AVIF back, each in its way.
      expect(most, id).toBeLessThan(id === 'avif.avif' ? 0.5 : 1e-6);
    }
  },
);
