import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createCodec } from '../../../src/codec/create-codec.ts';
import { isImportFingerprint } from '../../../src/record/imported.ts';
import type { Embedding } from '../../../src/record/types.ts';
import { HASHED, newPlace, until, type Place } from './runner.ts';

const FOREIGN = '--model=foreign-model';

interface ImportJson {
  readonly imported: Readonly<Record<string, unknown>> & { readonly deadLettersByReason: Record<string, number> };
}

interface Vector {
  readonly id: string;
  readonly vector: readonly (number | null)[];
  readonly [key: string]: unknown;
}

function vectors(count: number, dimension = 4, from = 0): Vector[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `v${from + i}`,
    vector: Array.from({ length: dimension }, (_each, j) => (from + i) / 8 + j),
  }));
}

function jsonl(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

async function imported(place: Place, ...args: string[]): Promise<ImportJson['imported'] & { code: number | null }> {
  const { code, json } = await place.json('import', ...args);
  return { ...(json as unknown as ImportJson).imported, code };
}

/** As they are on the log, by id. */
async function embeddingsOf(place: Place, namespace: string): Promise<Embedding[]> {
  const live = await place.live(`${namespace}.embeddings.hashed-384`);
  const codec = createCodec();
  return Array.from(live.values(), ({ value }) => codec.decodeEmbedding(value ?? new Uint8Array())).sort((a, b) =>
    a.recordId < b.recordId ? -1 : 1,
  );
}

async function ends(place: Place): Promise<unknown> {
  return place.withLog(async (log) =>
    (await log.topics()).map(({ name, partitionInfo }) => [name, partitionInfo.map(({ endOffset }) => endOffset)]),
  );
}

describe('embeddings of a model that is not known here', () => {
  it('go to sinks and snapshots, are reconciled, and change nothing the second time', async () => {
    const place = newPlace();
    place.write('in/a.jsonl', jsonl(vectors(300)));
    place.write('in/b.jsonl.gz', gzipSync(jsonl(vectors(200, 4, 300))));
    place.write('in/progress.json', '{"lastProcessedIndex":7}');
    const first = await imported(place, 'in', FOREIGN);
    expect(first).toMatchObject({ code: 0, dimension: 4, read: 500, created: 500, skippedNames: ['progress.json'] });
    await place.done('sink', 'parquet,npy', FOREIGN);
    await place.done('sink', 'parquet', '--snapshot', FOREIGN);
    await place.done('reconcile');
    const before = await ends(place);

    expect(await imported(place, 'in', FOREIGN)).toMatchObject({ code: 0, unchanged: 500, created: 0, changed: 0 });
    await place.done('sink', 'parquet,npy', FOREIGN);
    expect(await ends(place)).toEqual(before);

    const rows = await place.rows('data', 'parquet', 'foreign-model');
    expect(rows).toHaveLength(500);
    expect(rows.find(({ id }) => id === 'v7')).toMatchObject({ vector: Float32Array.of(0.875, 1.875, 2.875, 3.875) });
    const status = await place.done('status');
    expect(status.topics.map(({ topic }) => topic)).toContain('embedstream.imports.foreign-model-in');
  });

  it('change, vanish and are pruned as the files do, down to the sink', async () => {
    const place = newPlace();
    const file = place.write('x.jsonl', jsonl(vectors(20)));
    await imported(place, file, FOREIGN);
    await place.done('sink', 'parquet', FOREIGN);
    place.write('x.jsonl', jsonl([{ id: 'v0', vector: [9, 9, 9, 9] }, ...vectors(16, 4, 1)]));
    expect(await imported(place, file, FOREIGN)).toMatchObject({ code: 0, changed: 1, unchanged: 16, vanished: 3 });
    // More than a tenth.
    expect(await imported(place, file, FOREIGN, '--prune')).toMatchObject({ code: 1, pruned: 0, vanished: 3 });
    expect(await imported(place, file, FOREIGN, '--prune', '--yes')).toMatchObject({ code: 0, pruned: 3, vanished: 0 });
    await place.done('sink', 'parquet', FOREIGN);
    await place.done('reconcile');
    expect((await place.live('embedstream.embeddings.foreign-model')).size).toBe(17);
    expect((await place.live('embedstream.ledger.foreign-model')).size).toBe(17);
    expect((await place.live('embedstream.imports.foreign-model-x')).size).toBe(17);
  });

  it('count by --limit what is new, so that repeating it makes progress', async () => {
    const place = newPlace();
    const file = place.write('x.jsonl', jsonl(vectors(25)));
    for (const created of [10, 10, 5, 0])
      expect(await imported(place, file, FOREIGN, '--limit=10')).toMatchObject({ code: 0, created });
    await place.done('reconcile');
  });
});

it('killed in the middle, goes on with what is missing: each row once', async () => {
  const place = newPlace();
  const file = place.write('x.jsonl', jsonl(vectors(30_000, 64)));
  const killed = place.start(['import', file, FOREIGN]);
  const topic = 'embedstream.embeddings.foreign-model';
  await until(async () => (await place.live(topic)).size > 0, killed);
  killed.child.kill('SIGKILL');
  await killed.ended;
  const before = (await place.live(topic)).size;
  expect(await imported(place, file, FOREIGN)).toMatchObject({ created: 30_000 - before, unchanged: before });
  await place.done('reconcile');
  expect(await ends(place)).toContainEqual([topic, [30_000]]);
});

describe('rows and files that are wrong', () => {
  it('become dead letters with their place and reason, once, and the others are imported', async () => {
    const place = newPlace();
    const good = vectors(6);
    const lines = [
      JSON.stringify(good[0]),
      '{"id":"nan","vector":[1,NaN,2,3]}',
      '{"id":"huge","vector":[1,1e39,2,3]}',
      '{"id":"null","vector":[1,null,2,3]}',
      '{"id":"short","vector":[1,2,3]}',
      '{"id":"claims","vector":[1,2,3,4],"dimension":5}',
      '{"id":"other","vector":[1,2,3,4],"model":"another-model"}',
      '{"vector":[1,2,3,4]}',
      '{"id":12345678901234567890,"vector":[1,2,3,4]}',
      JSON.stringify(good[0]),
      '{"id":"cut","vec',
      '',
      ...good.slice(1).map((row) => JSON.stringify({ ...row, model: 'ORG/foreign-model' })),
    ];
    const file = place.write('x.jsonl', lines.join('\n'));
    const reasons = {
      IMPORT_NOT_FINITE: 2,
      IMPORT_BAD_VECTOR: 1,
      IMPORT_DIMENSION: 2,
      IMPORT_MODEL: 1,
      IMPORT_NO_ID: 2,
      DUPLICATE_ID: 1,
      IMPORT_BAD_JSON: 1,
    };
    expect(await imported(place, file, FOREIGN)).toMatchObject({
      ...{ code: 1, read: 16, created: 6, deadLettered: 10, newDeadLetters: 10, deadLettersByReason: reasons },
    });
    const before = await ends(place);
    expect(await imported(place, file, FOREIGN)).toMatchObject({ code: 0, unchanged: 6, newDeadLetters: 0 });
    expect(await ends(place)).toEqual(before);
    await place.done('reconcile');
    const { stdout } = await place.run('dead-letters', 'list', '--stage=import', '--json');
    expect(stdout).toContain('x.jsonl:6: it says 5 dimensions, but has 4 numbers.');
  });

  it.each([
    ['an unknown version', '{"version":"2.0","model":"foreign-model","embeddings":[]}', 'IMPORT_VERSION'],
    ['no version', '{"model":"foreign-model","embeddings":[{"id":"a","embedding":[1]}]}', 'IMPORT_VERSION'],
    ['another model', '{"version":"1.0","model":"other","embeddings":[{"id":"a","embedding":[1]}]}', 'IMPORT_MODEL'],
    ['a dimension that differs', '{"version":"1.0","dimensions":2,"embeddings":[]}', 'IMPORT_DIMENSION'],
    ['nothing', '', 'IMPORT_EMPTY'],
    ['no embeddings', '{"a":1}', 'IMPORT_UNKNOWN'],
    ['no text', Buffer.from([0, 1, 2, 3]), 'IMPORT_UNKNOWN'],
    ['a cut gzip', gzipSync('[{"id":"a","vector":[1,2,3,4]}]').subarray(0, 20), 'IMPORT_CORRUPT'],
    ['no Parquet', Buffer.from('PAR1 and nothing else PAR1'), 'IMPORT_PARQUET'],
    ['a matrix alone', Buffer.from('\x93NUMPY\x01\x00', 'latin1'), 'IMPORT_NPY'],
  ])('refuses a file with %s as a whole', async (_, content, code) => {
    const place = newPlace();
    const file = place.write('file.json', content);
    const report = await imported(place, file, FOREIGN, '--dimension=4');
    expect(report).toMatchObject({ code: 1, created: 0, deadLettersByReason: { [code]: 1 } });
  });

  it('says what the row count or the end gives away', async () => {
    const place = newPlace();
    const document = JSON.stringify({ version: '1.0', count: 3, embeddings: vectors(2) });
    const counted = await imported(place, place.write('counted.json', document), FOREIGN);
    expect(counted).toMatchObject({ code: 1, created: 2, deadLettersByReason: { IMPORT_COUNT: 1 } });
    const cut = place.write('cut.json', document.slice(0, -20));
    expect(await imported(place, cut, '--model=cut')).toMatchObject({
      ...{ created: 1, deadLettersByReason: { IMPORT_TRUNCATED: 1 } },
    });
    await place.done('reconcile');
  });

  it('stops before anything is written when every row has the same wrong model or dimension', async () => {
    const place = newPlace();
    const file = place.write('x.jsonl', jsonl(vectors(150)));
    const { code, stderr } = await place.run('import', file, HASHED);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('IMPORT_DIMENSION') as string });
    expect((await place.live('embedstream.dead-letters')).size).toBe(0);
  });
});

describe('a model that runs here, and records with the same ids', () => {
  const texts = [0, 1, 2, 3].map((i) => [`d${i}`, `text ${i}`, 1900] as const);

  async function vectorsOfModel(): Promise<{ place: Place; file: string }> {
    const elsewhere = newPlace();
    elsewhere.writeRows('a.csv', texts);
    await elsewhere.done('embed', '--source=a.csv', HASHED, '--sink=parquet', '--text={text}');
    const rows = await elsewhere.rows('data', 'parquet', 'hashed-384');
    const place = newPlace();
    place.writeRows('a.csv', texts);
    const file = place.write('x.jsonl', jsonl(rows.map(({ id, vector, text }) => ({ id, vector: [...vector], text }))));
    return { place, file };
  }

  it('embeds them again, since nobody vouches for what was imported', async () => {
    const { place, file } = await vectorsOfModel();
    await imported(place, file, HASHED);
    await place.done('produce', '--source=a.csv', '--text={text}');
    await place.done('reconcile');
    expect((await place.done('process', HASHED)).processed[0]).toMatchObject({ embedded: 4, skipped: 0 });
    await place.done('reconcile');
    const before = await ends(place);
    expect(await imported(place, file, HASHED)).toMatchObject({ code: 0, unchanged: 4 });
    expect(await ends(place)).toEqual(before);
  });

  it('skips them with --trust-model where the text is the same', async () => {
    const { place, file } = await vectorsOfModel();
    expect(await imported(place, file, HASHED, '--trust-model')).toMatchObject({ code: 0, created: 4, withoutText: 0 });
    await place.done('reconcile');
    await place.done('produce', '--source=a.csv', '--text={text}');
    expect((await place.done('process', HASHED)).processed[0]).toMatchObject({ embedded: 0, skipped: 4 });
    await place.done('sink', 'parquet', HASHED);
    await place.done('reconcile');
  });

  it('trusts vectors without a text as those of the record on the log', async () => {
    const place = newPlace();
    place.writeRows('a.csv', texts);
    await place.done('produce', '--source=a.csv', '--text={text}');
    const rows = Array.from({ length: 5 }, (_, i) => ({
      id: `d${i}`,
      vector: Array.from({ length: 384 }, () => 0.05),
    }));
    const file = place.write('x.jsonl', jsonl(rows));
    expect(await imported(place, file, HASHED)).toMatchObject({ created: 5 });
    expect(await imported(place, file, HASHED, '--trust-model')).toMatchObject({ changed: 4, unchanged: 1 });
    expect((await place.done('process', HASHED)).processed[0]).toMatchObject({ embedded: 0, skipped: 4 });
    await place.done('reconcile');
    expect(await imported(place, file, HASHED)).toMatchObject({ code: 0, unchanged: 5 });
  });

  it('leaves what a processor has embedded to it, and the import to itself when the record goes', async () => {
    const place = newPlace();
    place.writeRows('a.csv', texts);
    await place.done('produce', '--source=a.csv', '--text={text}');
    await place.done('process', HASHED);
    const rows = ['d0', 'e0'].map((id) => ({ id, vector: Array.from({ length: 384 }, () => 0.05) }));
    const file = place.write('x.jsonl', jsonl(rows));
    expect(await imported(place, file, HASHED)).toMatchObject({
      ...{ code: 1, created: 1, deadLettersByReason: { IMPORT_ID_OF_PROCESSOR: 1 } },
    });
    await place.done('reconcile');
    // What was imported makes no processor read the log from its beginning again.
    expect((await place.done('process', HASHED)).processed[0]).toMatchObject({ read: 0 });
    place.writeRows('b.csv', [['e0', 'now a text', 1900]]);
    await place.done('produce', '--source=b.csv', '--text={text}');
    await place.done('process', HASHED);
    await place.done('reconcile');
  });

  it('brings the shards of another log over, in their latest state', async () => {
    const place = newPlace();
    place.writeRows('a.csv', texts);
    const embed = ['embed', '--source=a.csv', HASHED, '--sink=parquet,npy', '--text={text}', '--prune', '--yes'];
    await place.done(...embed);
    place.writeRows('a.csv', [['d0', 'another text', 1900], ...texts.slice(2)]);
    await place.done(...embed);
    for (const format of ['parquet', 'npy']) {
      const args = [`data/${format}`, HASHED, '--trust-model', `--namespace=${format}`];
      const report = await imported(place, ...args);
      expect(report, format).toMatchObject({ code: 0, created: 3, superseded: 2, withoutText: 0 });
      expect(await embeddingsOf(place, format)).toEqual(await embeddingsOf(place, 'embedstream'));
      await place.done('produce', '--source=a.csv', '--text={text}', `--namespace=${format}`);
      const { processed } = await place.done('process', HASHED, `--namespace=${format}`);
      expect(processed[0]).toMatchObject({ embedded: 0, skipped: 3 });
      await place.done('reconcile', `--namespace=${format}`);
    }
  });
});

it('keeps the fingerprints of imports apart from those of models', () => {
  expect(isImportFingerprint(Buffer.from('imported'.padEnd(32, 'x')))).toBe(true);
  expect(isImportFingerprint(Buffer.alloc(32))).toBe(false);
});
