import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createCodec } from '../../../src/codec/create-codec.ts';
import { topicNames } from '../../../src/log/topics.ts';
import type { Source, SourceItem } from '../../../src/producers/port.ts';
import { publish } from '../../../src/producers/publisher.ts';
import type { ImagePart, RecordId } from '../../../src/record/types.ts';
import { clipImages, clipVectors, tinyClip } from '../../models/model-folders.ts';
import { newPlace, type Place } from './runner.ts';

const TOWER = join(tinyClip, '..', 'tiny-clip-text');
const codec = createCodec();

interface Picture {
  readonly id: string;
  readonly text?: string;
  readonly image?: ImagePart;
}

function picture(id: string, file: string, more: Partial<Picture> = {}): Picture {
  return { id, image: { mime: 'image/any', bytes: readFileSync(join(clipImages, file)) }, ...more };
}

/** As a source of images does it. */
function publishPictures(place: Place, pictures: readonly Picture[]): Promise<unknown> {
  const items = pictures.map((each, i): SourceItem => ({
    kind: 'item',
    ...each,
    id: each.id as RecordId,
    metadata: new Map([['file', each.id]]),
    line: i + 1,
  }));
  const source: Source = {
    name: 'pictures',
    location: 'pictures',
    description: {},
    async *read() {
      await Promise.resolve();
      yield { items, filtered: 0, bytesRead: 1 };
    },
  };
  return place.withLog((log) =>
    publish({ source, log, codec, topics: topicNames('embedstream'), partitions: 1, clock: Date.now }),
  );
}

/** A model folder of this place. */
function addModel(place: Place, path: string, { text = false } = {}): void {
  cpSync(tinyClip, place.path(path), { recursive: true });
  if (text) cpSync(TOWER, place.path(path), { recursive: true });
}

const wide = readFileSync(join(clipImages, 'wide.jpg'));
const pictures: readonly Picture[] = [
  picture('exact', 'exact.png'),
  picture('wide', 'wide.jpg'),
  picture('wide again', 'wide.jpg'),
  picture('both', 'cmyk.jpg', { text: 'a red chair' }),
  { id: 'words alone', text: 'a blue vase' },
  { id: 'cut short', image: { mime: 'image/jpeg', bytes: wide.subarray(0, wide.length / 2) } },
  { id: 'elsewhere', image: { mime: 'image/jpeg', uri: 'file:///elsewhere.jpg' } },
];

it('embeds the images of records, by the image alone, and accounts for those it cannot read', async () => {
  const place = newPlace();
  addModel(place, 'tiny-clip');
  await publishPictures(place, pictures);
  const model = '--model=./tiny-clip';
  const first = await place.json('process', model);
  expect(first.code).toBe(1); // new dead letters
  expect(first.json.processed).toMatchObject([
    {
      model: 'tiny-clip',
      read: 7,
      embedded: 4,
      notApplicable: 1,
      deadLettered: 2,
      deadLettersByReason: { IMAGE_NOT_READABLE: 1, INPUT_NOT_READABLE: 1 },
    },
  ]);
  expect(await place.done('reconcile')).toMatchObject({ differences: 0, models: [{ model: 'tiny-clip' }] });

  const live = await place.live('embedstream.embeddings.tiny-clip');
  const reference = JSON.parse(readFileSync(clipVectors, 'utf8')) as { images: Record<string, number[]> };
  const expected = { exact: 'exact.png', wide: 'wide.jpg', 'wide again': 'wide.jpg', both: 'cmyk.jpg' };
  expect([...live.keys()].sort()).toEqual(Object.keys(expected).sort());
  for (const [id, file] of Object.entries(expected)) {
    const { vector, text, tokenCount } = codec.decodeEmbedding(live.get(id)!.value!);
    reference.images[file]!.forEach((value, i) => {
      expect(Math.abs(value - vector[i]!)).toBeLessThan(1e-4);
    });
    expect({ text, tokenCount }).toEqual({ text: id === 'both' ? 'a red chair' : undefined, tokenCount: 17 });
  }

  // Words beside an image are not what it reads; another image is.
  await publishPictures(place, [picture('both', 'cmyk.jpg', { text: 'a green chair' }), picture('wide', 'tall.jpg')]);
  expect((await place.done('process', model)).processed).toMatchObject([{ read: 2, embedded: 1, skipped: 1 }]);
  expect(await place.done('reconcile')).toMatchObject({ differences: 0 });
});

it('a model of words beside it reads the words, and reconcile tells the two apart', async () => {
  const place = newPlace();
  addModel(place, 'tiny-clip');
  await publishPictures(
    place,
    pictures.filter(({ id }) => id !== 'cut short' && id !== 'elsewhere'),
  );
  const { processed } = await place.done('process', '--model=./tiny-clip,hashed-384');
  expect(processed).toMatchObject([
    { model: 'tiny-clip', read: 5, embedded: 4, notApplicable: 1 },
    { model: 'hashed-384', read: 5, embedded: 2, notApplicable: 3 },
  ]);
  expect(await place.done('reconcile')).toMatchObject({ differences: 0 });
});

it('searches images by words where the model has both towers, and says so where it has not', async () => {
  const place = newPlace();
  addModel(place, 'tiny-clip');
  await publishPictures(place, pictures.slice(0, 4));
  await place.done('process', '--model=./tiny-clip');
  const without = await place.json('search', '--model=./tiny-clip', 'red chair');
  expect(without.code).toBe(2);
  expect(without.json.error).toMatchObject({
    code: 'USAGE',
    message: expect.stringMatching(/no text tower/) as string,
  });

  // Adding the other tower changes no image's vector.
  addModel(place, 'tiny-clip', { text: true });
  const { matches, compared } = await place.done('search', '--model=./tiny-clip', 'red chair', '--limit=2');
  expect(compared).toBe(4);
  const reference = JSON.parse(readFileSync(clipVectors, 'utf8')) as {
    images: Record<string, number[]>;
    queries: { text: string; vector: number[] }[];
  };
  const query = reference.queries.find(({ text }) => text === 'red chair')!.vector;
  const scores = ['exact.png', 'wide.jpg', 'cmyk.jpg'].map((file) =>
    reference.images[file]!.reduce((sum, value, i) => sum + value * query[i]!, 0),
  );
  expect(matches).toHaveLength(2);
  expect(matches[0]!.score).toBeCloseTo(Math.max(...scores), 3);

  // What looks like an image is first of all the image itself.
  const alike = await place.done('search', '--model=./tiny-clip', `--image=${join(clipImages, 'exact.png')}`);
  expect(alike.matches[0]).toMatchObject({ id: 'exact' });
  expect(alike.matches[0]!.score).toBeCloseTo(1, 5);
  expect((await place.done('process', '--model=./tiny-clip')).processed).toMatchObject([{ read: 0 }]);
});

it('finds a model that is not part of the package by its name in --models-dir', async () => {
  const place = newPlace();
  await publishPictures(place, pictures.slice(0, 1));
  const absent = await place.json('process', '--model=clip');
  expect(absent.code).toBe(2);
  expect(absent.json.error?.message).toMatch(/Xenova\/clip-vit-base-patch32.*HF_HUB_OFFLINE.*--models-dir/s);
  addModel(place, 'models/my-own', { text: true });
  addModel(place, 'elsewhere/another', { text: true });
  expect((await place.done('process', '--model=my-own')).processed).toMatchObject([{ model: 'my-own', embedded: 1 }]);
  const other = ['--model=another', '--models-dir=elsewhere'];
  expect((await place.done('process', ...other)).processed).toMatchObject([{ model: 'another', embedded: 1 }]);
  expect(await place.done('search', ...other, 'red chair')).toMatchObject({ compared: 1, matches: [{ id: 'exact' }] });
  expect(await place.done('models', 'check', 'my-own')).toMatchObject({ name: 'my-own', kinds: ['image'] });
  expect(await place.done('models', 'show', 'my-own')).toMatchObject({ weights: { runtime: 'onnx-vision' } });
  expect(await place.done('reconcile')).toMatchObject({ differences: 0 });
});

it('refuses a folder that goes by the name of a model and holds another', async () => {
  const place = newPlace();
  addModel(place, 'models/clip-vit-base-patch32', { text: true });
  const { code, json } = await place.json('process', '--model=clip');
  expect(code).toBe(2);
  expect(json.error?.message).toMatch(/models\/clip-vit-base-patch32.*32.*clip-vit-base-patch32.*512/s);
});
