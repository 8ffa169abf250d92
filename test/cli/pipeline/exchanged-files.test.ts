import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createCodec } from '../../../src/codec/create-codec.ts';
import type { Embedding } from '../../../src/record/types.ts';
import { HASHED, newPlace, type Place } from './runner.ts';

const codec = createCodec();
const TEXTS = [0, 1, 2, 3, 4, 5].map((i) => [String(i), `text ${i}`, 1900 + i] as const);

/** As they are on the log, by id. */
async function embeddingsOf(place: Place, namespace = 'embedstream'): Promise<Map<string, Embedding>> {
  const live = await place.live(`${namespace}.embeddings.hashed-384`);
  return new Map(
    Array.from(live.values(), ({ value }) => {
      const embedding = codec.decodeEmbedding(value ?? new Uint8Array());
      return [embedding.recordId, embedding] as const;
    }),
  );
}

/** Some rows, then a changed text, deletions, one that comes again, and a new one: all of it in each output. */
async function written(...outputs: string[]): Promise<Place> {
  const place = newPlace();
  const embed = ['embed', '--source=a.csv', HASHED, ...outputs, '--text={text}', '--prune', '--yes', '--shard-rows=2'];
  const [first = TEXTS[0]!, ...rest] = TEXTS;
  for (const rows of [
    TEXTS,
    rest.slice(2),
    [['0', 'another text', 1900] as const, ...rest.slice(1)],
    [first, ...rest.slice(2)],
  ]) {
    place.writeRows('a.csv', rows);
    await place.done(...embed);
  }
  return place;
}

describe('files that people exchange', () => {
  it('hold what the log holds when another log imports them', async () => {
    const place = await written('--sink=jsonl,json,vector-store,npy-single', '--compress=zstd');
    const expected = await embeddingsOf(place);
    expect([...expected.keys()].sort()).toEqual(['0', '3', '4', '5']);
    for (const folder of ['embeddings', 'json', 'vector-store', 'npy-single']) {
      const namespace = `from-${folder}`;
      const args = [`data/${folder}`, HASHED, `--namespace=${namespace}`];
      const { code, json } = await place.json('import', ...args);
      expect({ code, ...json }, folder).toMatchObject({ code: 0, imported: { created: 4, deadLettered: 0 } });
      const imported = await embeddingsOf(place, namespace);
      expect([...imported.keys()].sort(), folder).toEqual([...expected.keys()].sort());
      for (const [id, { vector, text, metadata }] of expected) {
        expect(imported.get(id)?.vector, folder).toEqual(vector);
        if (folder === 'json') expect(imported.get(id)).toMatchObject({ text, metadata });
        if (folder === 'npy-single') expect(imported.get(id)?.text).toBe(text);
      }
      await place.done('reconcile', `--namespace=${namespace}`);
    }
  });

  it('number batches on, never write one over, and say how far they are', async () => {
    const place = newPlace();
    place.writeRows('a.csv', TEXTS);
    const embed = ['embed', '--source=a.csv', HASHED, '--sink=jsonl', '--text={text}', '--prune', '--yes'];
    await place.done(...embed, '--shard-rows=4');
    const folder = ['data', 'embeddings', 'hashed-384'];
    const read = (name: string): string => readFileSync(place.path(...folder, name), 'utf8');
    const first = read('batch_001.jsonl');
    expect(JSON.parse(first.split('\n')[0] ?? '')).toEqual({
      object_id: 0,
      embedding: expect.any(Array) as unknown,
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      model: 'hashed-384',
      dimension: 384,
    });
    place.writeRows('a.csv', [...TEXTS.slice(1), ['7', 'a seventh', 1907]]);
    await place.done(...embed, '--shard-rows=4');
    const batches = (): string[] => place.files(...folder).filter((name) => name.startsWith('batch'));
    expect(batches()).toEqual(['batch_001.jsonl', 'batch_002.jsonl', 'batch_003.jsonl']);
    expect(read('batch_001.jsonl')).toBe(first);
    expect(JSON.parse(read('progress.json'))).toEqual({
      lastProcessedIndex: 7,
      totalProcessed: 7,
      totalSkipped: 1,
      totalFailed: 0,
      lastObjectId: '7',
      timestamp: expect.any(String) as string,
    });
    const all = batches().map(read);
    await place.done('replay', '--sink=jsonl', HASHED, '--shard-rows=4', '--from=4');
    expect(batches().map(read).join('')).toBe(all.join(''));
    // A batch that is not of this log is not taken for one.
    place.write('data/embeddings/hashed-384/batch_009.jsonl', '{}\n');
    expect((await place.run('sink', 'jsonl', HASHED)).stderr).toMatch(/holds 1 shards that are not of the sink/);
  });

  it('leave a whole file untouched when there is nothing new, replace it at once, and mend it', async () => {
    const place = newPlace();
    place.writeRows('a.csv', TEXTS);
    const embed = ['embed', '--source=a.csv', HASHED, '--sink=json', '--text={text}'];
    await place.done(...embed);
    const path = ['data', 'json', 'hashed-384', 'hashed-384.json'];
    const read = (): string => readFileSync(place.path(...path), 'utf8');
    const before = read();
    expect((await place.done(...embed)).sunk[0]).toMatchObject({ embeddings: 0 });
    expect(read()).toBe(before);
    place.write(path.join('/'), before.replace('text 1', 'text 2'));
    expect((await place.json('reconcile')).json).toMatchObject({ differences: 1 });
    await place.done('reconcile', '--repair');
    expect(JSON.parse(read())).toMatchObject({ version: '1.0', model: 'hashed-384', dimensions: 384, count: 6 });
    const rowsOf = (text: string): unknown => (JSON.parse(text) as { embeddings: unknown }).embeddings;
    expect(rowsOf(read())).toEqual(rowsOf(before));
    expect(place.files(...path.slice(0, -1))).toEqual(['.staging', '_hashed-384.p0.keys.jsonl', 'hashed-384.json']);
  });
});
