import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { externalData, modelFolder, tiny384, tinyBert, tinyJinaClip } from '../../models/model-folders.ts';
import { COMMIT, startFakeHub, type FakeHub } from '../../models/hub/fake-hub.ts';
import { newPlace, onlyJson, type CommandJson, type Place } from './runner.ts';

const GRAPH = 'onnx/model.onnx';
const TOKEN = 'hf_not_to_be_seen';

async function hubOf(folder: string, repository?: string): Promise<FakeHub> {
  const hub = await startFakeHub(folder, { ...(repository !== undefined && { repository }) });
  onTestFinished(() => hub[Symbol.asyncDispose]());
  return hub;
}

async function placeWithTexts(): Promise<Place> {
  const place = newPlace();
  const source = place.writeRows('texts.csv', [
    ['a', 'a king and a queen', 1900],
    ['b', 'the river in the city', 1901],
    ['c', 'hello', 1902],
  ]);
  await place.done('produce', `--source=${source}`);
  return place;
}

/** Runs a command that may ask this hub. */
async function online(
  place: Place,
  hub: FakeHub,
  ...args: string[]
): Promise<{ code: number | null; json: CommandJson & Readonly<Record<string, unknown>>; stderr: string }> {
  const environment = { HF_ENDPOINT: hub.endpoint, HF_HUB_OFFLINE: '', HF_TOKEN: TOKEN };
  const { code, stdout, stderr } = await place.start([...args, '--json', '--log-level=debug'], { environment }).ended;
  expect(stdout + stderr).not.toContain(TOKEN);
  return { code, json: onlyJson(stdout, stderr) as CommandJson & Readonly<Record<string, unknown>>, stderr };
}

describe('a repository of the hub', () => {
  it('is downloaded when it is first run, and known by its name from then on', async () => {
    const place = await placeWithTexts();
    cpSync(tinyBert, place.path('source'), { recursive: true });
    cpSync(externalData, place.path('source'), { recursive: true }); // its weights are beside its graph, as links, too
    const hub = await hubOf(place.path('source'));
    const model = '--model=hf:owner/name';
    const shown = await online(place, hub, 'models', 'show', 'hf:owner/name');
    expect(shown.json).toMatchObject({
      name: 'owner--name',
      dimension: 32,
      weights: { runtime: 'hub', revision: COMMIT },
    });
    expect(hub.fetches(GRAPH)).toBe(0);

    const processed = await online(place, hub, 'process', model);
    expect(processed).toMatchObject({ code: 0, json: { processed: [{ model: 'owner--name', embedded: 3 }] } });
    expect(hub.fetches(`${GRAPH}_data`)).toBe(2); // the hub, and whom it redirects to

    // none of these asks the hub: HF_HUB_OFFLINE is set
    expect((await place.done('process', model)).processed).toMatchObject([{ read: 0 }]);
    expect((await place.done('sink', 'parquet', model)).sunk).toMatchObject([{ embeddings: 3 }]);
    expect((await place.done('search', model, 'king')).matches).toHaveLength(3);
    expect(await place.done('reconcile', model)).toMatchObject({ differences: 0 });
    expect(await place.done('models', 'show', 'hf:owner/name')).toMatchObject({ weights: { runtime: 'onnx' } });
    // and by what is on the log alone
    rmSync(place.path('hub'), { recursive: true });
    expect((await place.done('sink', 'npy', model)).sunk).toMatchObject([{ embeddings: 3 }]);
    expect(await place.done('reconcile')).toMatchObject({ differences: 0 });
  });

  it('is refused with what there is instead, before anything is downloaded or written', async () => {
    const hub = await hubOf(tinyBert);
    const place = await placeWithTexts();
    const dtype = await online(place, hub, 'process', '--model=hf:owner/name', '--model-dtype=q8');
    expect(dtype).toMatchObject({
      code: 2,
      json: { error: { message: expect.stringMatching(/It has fp32/) as string } },
    });
    const other = await online(place, hub, 'process', '--model=hf:owner/other');
    expect(other.json.error?.message).toMatch(/There is no model .*owner\/other/);
    const revision = await online(place, hub, 'process', '--model=hf:owner/name@v2');
    expect(revision.json.error?.message).toMatch(/has no revision v2/);
    expect([other.code, revision.code]).toEqual([2, 2]);
    expect(hub.fetches(GRAPH)).toBe(0);
  });
});

it('downloads a model of the catalogue at the commit its facts are from, and embeds as its authors say', async () => {
  const repository = 'Xenova/bge-small-en-v1.5';
  const hub = await hubOf(tiny384, repository);
  hub.commit = 'ea104dacec62c0de699686887e3f920caeb4f3e3';
  const place = await placeWithTexts();
  const absent = await place.json('process', '--model=bge-small-en-v1.5');
  expect(absent).toMatchObject({
    code: 2,
    json: { error: { message: expect.stringContaining('HF_HUB_OFFLINE') as string } },
  });
  const checked = await online(place, hub, 'models', 'check', 'BAAI/bge-small-en-v1.5');
  expect(checked).toMatchObject({ code: 0, json: { name: 'bge-small-en-v1.5', dimension: 384, kind: 'text' } });
  // an instruction stands before a query, and nothing before a document
  expect(checked.json['asQuery']).toBeLessThan(0.99);
  const plain = await online(place, hub, 'models', 'check', 'bge-small-en-v1.5', '--query-prefix=');
  expect(plain.json['asQuery']).toBeCloseTo(1, 5);
  expect(hub.seen.every(({ path, host }) => host === 'storage' || path.includes(hub.commit))).toBe(true);
  expect((await place.done('process', '--model=bge-small-en-v1.5')).processed).toMatchObject([{ embedded: 3 }]);
  expect(await place.done('reconcile')).toMatchObject({ differences: 0 });
});

it('keeps vectors of two lengths of one model in topics of their own', async () => {
  const place = await placeWithTexts();
  cpSync(tinyJinaClip, place.path('own'), { recursive: true });
  for (const dimensions of [[], ['--dimensions=8']]) await place.done('process', '--model=./own', ...dimensions);
  expect((await place.live('embedstream.embeddings.own')).size).toBe(3);
  expect((await place.live('embedstream.embeddings.own-8')).size).toBe(3);
  const sunk = await place.done('sink', 'parquet', '--model=own-8');
  expect(sunk.sunk).toMatchObject([{ embeddings: 3 }]);
  expect((await place.rows('data', 'parquet')).every(({ vector }) => vector.length === 8)).toBe(true);
  const refused = await place.json('process', '--model=./own', '--dimensions=5');
  expect(refused).toMatchObject({
    code: 2,
    json: { error: { message: expect.stringContaining('16, 8, 4') as string } },
  });
});

it('says how to search in words that do so', async () => {
  const place = await placeWithTexts();
  cpSync(tinyBert, place.path('own'), { recursive: true });
  const flags = ['--model=./own?as=mine', '--max-tokens=64', '--sink=parquet'];
  const { stdout } = await place.run('embed', '--source=texts.csv', ...flags);
  const hint = /search -- .*--model='([^']+)'/.exec(stdout)?.[1] ?? '';
  expect(await place.done('search', `--model=${hint}`, 'a king')).toMatchObject({ model: 'mine', compared: 3 });
});

describe('a model that does not work', () => {
  const topic = 'embedstream.embeddings.m';

  async function expectRefused(place: Place, message: RegExp): Promise<void> {
    const written = async (): Promise<unknown> =>
      Promise.all([topic, 'embedstream.dead-letters'].map((name) => place.live(name)));
    const before = await written();
    const { code, json } = await place.json('process', '--model=./m');
    expect(code).toBe(1);
    expect(json.error?.message).toMatch(message);
    expect(await written()).toEqual(before);
  }

  it.each([
    [
      'gives every text the same vector',
      (place: Place) => useGraph(place, 'constant'),
      /gives two different texts the same vector/,
    ],
    ['gives no numbers', notANumber, /no finite vector/],
    [
      'has another dimension than its files say',
      async (place: Place) => writeFile(place.path('m', 'config.json'), '{"hidden_size": 48}'),
      /dimension 32, where dimension 48 is expected/,
    ],
  ])('is found before anything is written when it %s', async (_, spoil, message) => {
    const place = await placeWithTexts();
    cpSync(tinyBert, place.path('m'), { recursive: true });
    await spoil(place);
    await expectRefused(place, message);
  });

  it('is found when another has come under its name: of its length it embeds all again, of another it is refused', async () => {
    const place = await placeWithTexts();
    cpSync(tinyBert, place.path('m'), { recursive: true });
    expect((await place.done('process', '--model=./m')).processed).toMatchObject([{ embedded: 3 }]);
    await useGraph(place, 'half-vocabulary');
    expect((await place.json('process', '--model=./m')).json.processed).toMatchObject([{ read: 3 }]);

    rmSync(place.path('m'), { recursive: true });
    cpSync(tiny384, place.path('m'), { recursive: true });
    await expectRefused(place, /384 dimensions.*under this name have 32.*another model/);
    expect((await place.done('process', '--model=./m?as=other')).processed).toMatchObject([
      { model: 'other', embedded: 3 },
    ]);
  });
});

async function useGraph(place: Place, graph: string): Promise<void> {
  await using folder = await modelFolder(graph);
  cpSync(join(folder.path, GRAPH), place.path('m', GRAPH));
}

/** A table of ones, each of which becomes NaN. */
async function notANumber(place: Place): Promise<void> {
  await useGraph(place, 'constant');
  const path = place.path('m', GRAPH);
  const bytes = readFileSync(path);
  const [one, nan] = [1, NaN].map((value) => Buffer.from(Float32Array.of(value).buffer));
  for (let at = bytes.indexOf(one!); at >= 0; at = bytes.indexOf(one!, at + 4)) nan!.copy(bytes, at);
  writeFileSync(path, bytes);
}
