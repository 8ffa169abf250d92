import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readNpyMatrix } from '../../../src/sinks/readers/read-npy.ts';
import { describeWithService, elasticsearchUrl } from '../../services/index.ts';
import { newAlias, PlainClient } from '../../sinks/stores/elasticsearch/server.ts';
import { documentRow, newPlace, numbers, type Exit, type Place } from './runner.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');

interface BatchRow {
  readonly object_id: string;
  readonly embedding: readonly number[];
}

/** `npm run` as it is typed, in the repository; log and outputs of the place. `killWhen`: all of it is killed then. */
async function npmRun(place: Place, line: string, killWhen?: () => boolean | Promise<boolean>): Promise<Exit> {
  const child = spawn('npm', ['run', '--silent', ...line.split(' ')], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      CI: '1',
      EMBEDSTREAM_DATA_DIR: place.path('.embedstream'),
      EMBEDSTREAM_OUT: place.path('data'),
      HF_HUB_CACHE: place.path('hub'),
      HF_HUB_OFFLINE: '1',
    },
  });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text;
    });
  const ended = new Promise<Exit>((resolve) => {
    child.on('close', (code, signal) => {
      resolve({ code, signal, ...texts });
    });
  });
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  while (killWhen !== undefined && isRunning()) {
    const isDue = await killWhen();
    if (isDue && isRunning() && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    await delay(5);
  }
  return ended;
}

async function done(place: Place, line: string): Promise<Exit> {
  const exit = await npmRun(place, line);
  expect(exit).toEqual({ ...exit, code: 0 });
  return exit;
}

function batches(place: Place, model: string): string[] {
  const folder = place.path('data', 'embeddings', model);
  return existsSync(folder) ? readdirSync(folder).filter((name) => /^batch_\d+\.jsonl$/.test(name)) : [];
}

function rowsOf<Row = BatchRow>(...path: string[]): Row[] {
  return readFileSync(join(...path), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);
}

function allRows(place: Place, model: string): BatchRow[] {
  return batches(place, model).flatMap((name) => rowsOf(place.path('data', 'embeddings', model), name));
}

function source(place: Place, rows: number): string {
  return place.writeRows(
    'documents.csv',
    numbers(0, rows).map((i) => documentRow(i)),
  );
}

describe('npm run generate-embeddings-to-file', { timeout: 60_000 }, () => {
  it('killed and run again, has each row once, and no batch is written over', async () => {
    const place = newPlace();
    const csv = source(place, 8_000);
    const line = `generate-embeddings-to-file -- --model=hashed-384 --batch-size=500 --resume --source=${csv}`;
    const killed = await npmRun(place, line, () => batches(place, 'hashed-384').length > 0);
    expect(killed.signal).toBe('SIGKILL');
    const folder = place.path('data', 'embeddings', 'hashed-384');
    const before = new Map(
      batches(place, 'hashed-384').map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
    );
    expect(before.size).toBeGreaterThan(0);
    await done(place, line);
    for (const [name, text] of before) expect(readFileSync(join(folder, name), 'utf8') === text, name).toBe(true);
    const ids = allRows(place, 'hashed-384').map(({ object_id: id }) => id);
    expect(new Set(ids).size).toBe(8_000);
    expect(ids).toHaveLength(8_000);
    expect(JSON.parse(readFileSync(join(folder, 'progress.json'), 'utf8'))).toMatchObject({
      lastProcessedIndex: 7_999,
      totalProcessed: 8_000,
      totalFailed: 0,
    });
  });

  it('with --limit goes on each time, notices changed texts, and tries again what failed', async () => {
    const place = newPlace();
    const csv = source(place, 25);
    const line = `generate-embeddings-to-file -- --model=hashed-384 --limit=10 --source=${csv}`;
    for (const wanted of [10, 20, 25, 25]) {
      await done(place, line);
      expect(allRows(place, 'hashed-384')).toHaveLength(wanted);
    }
    place.writeRows(
      'documents.csv',
      numbers(0, 25).map((i) => documentRow(i, i === 3 ? 'something else' : undefined)),
    );
    await done(place, line);
    const rows = allRows(place, 'hashed-384').filter(({ object_id: id }) => id === 'd3');
    expect(rows).toHaveLength(2);
    expect(rows[1]?.embedding).not.toEqual(rows[0]?.embedding);

    place.writeRows('documents.csv', [documentRow(0), documentRow(1, 'much longer than what the model reads')]);
    const refusing = `generate-embeddings-to-file -- --model=./test/fixtures/tiny-bert?max-tokens=4 --long-text=refuse --source=${csv} --json`;
    expect((await npmRun(place, refusing)).code).toBe(1);
    const again = JSON.parse((await npmRun(place, `${refusing} --resume`)).stdout) as object;
    expect(again).toMatchObject({ produced: [{ retried: expect.any(Number) as number }] });
  });
});

describe('npm run generate', () => {
  it('takes --client, refuses what it does not know, and has what is typed embedded', { timeout: 60_000 }, async () => {
    const place = newPlace();
    await done(place, 'generate -- --limit 10 --client hashed-384');
    await done(place, 'generate -- --limit 10 --client hashed-384');
    expect(allRows(place, 'hashed-384')).toHaveLength(20);
    const wrong = await npmRun(place, 'generate -- --limt 10 --client hashed-384');
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('--limt is not a flag; did you mean --limit?');
    const unknown = await npmRun(place, 'generate -- --client hashd-384');
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toMatch(/Did you mean hashed-384\?/);
  });
});

describe('npm run embed-multi', () => {
  const paragraphs = (count: number): string =>
    numbers(0, count)
      .map((i) =>
        JSON.stringify({
          paper_id: `p${Math.floor(i / 3)}`,
          paragraph_index: i % 3,
          text: `Paragraph ${i} of a paper`,
        }),
      )
      .join('\n') + '\n';

  it(
    'killed and run again, has whole and aligned files of each model in the old places',
    { timeout: 90_000 },
    async () => {
      const place = newPlace();
      const input = place.write('papers.jsonl', paragraphs(3_000));
      const out = place.path('vectors');
      const line =
        `embed-multi -- --input_file ${input} --output_dir ${out} --models hashed-384 ./test/fixtures/tiny-bert ` +
        '--batch_size 32 --max_workers 1 --checkpoint_interval 100 --device cpu';
      mkdirSync(out);
      const killed = await npmRun(place, line, () => existsSync(place.path('.embedstream')) && isEmbedding(out));
      expect(killed.signal).toBe('SIGKILL');
      await done(place, line);
      // A shorter input, of which one text is another: what the files hold is this input.
      place.write('papers.jsonl', paragraphs(2_000).replace('Paragraph 7 of', 'Another text of'));
      await done(place, line);
      for (const [model, dimension] of [
        ['hashed-384', 384],
        ['tiny-bert', 32],
      ] as const) {
        const { shape } = await readNpyMatrix(join(out, `${model}.npy`));
        expect(shape).toEqual([2_000, dimension]);
        const rows = rowsOf<{ paper_id: string; paragraph_index: number; text: string }>(out, `${model}.jsonl`);
        expect(new Set(rows.map(({ paper_id: paper, paragraph_index: i }) => `${paper}/${i}`)).size).toBe(2_000);
        expect(rows.filter(({ text }) => text.startsWith('Another'))).toHaveLength(1);
        expect(JSON.parse(readFileSync(join(out, `${model}.metadata.json`), 'utf8'))).toMatchObject({
          model_name: model,
          embedding_dim: dimension,
          num_paragraphs: 2_000,
        });
      }
      const wrong = await npmRun(place, `embed-multi -- --input_fil ${input} --output_dir ${out} --models hashed-384`);
      expect(wrong.code).toBe(2);
      expect(wrong.stderr).toContain('did you mean --input-file?');
    },
  );

  /** The sinks have begun. */
  function isEmbedding(out: string): boolean {
    const folder = join(out, '.embed-multi');
    return existsSync(folder) && readdirSync(folder).length > 0;
  }
});

describeWithService('elasticsearch', 'npm run index-with-embeddings', () => {
  const alias = newAlias();
  let server: PlainClient;
  beforeAll(async () => {
    server = new PlainClient(await elasticsearchUrl());
  }, 240_000);
  afterAll(() => server.removeAll(alias));

  it(
    'indexes every model on the log, killed or not, adds what is new, and with --force fills another index',
    { timeout: 120_000 },
    async () => {
      const place = newPlace();
      const index = `index-with-embeddings -- --es-url=${server.url} --es-index=${alias}`;
      expect((await npmRun(place, index)).code).toBe(2);
      const csv = source(place, 300);
      const generate = `generate -- --client hashed-384,./test/fixtures/tiny-bert --source=${csv}`;
      await done(place, generate);
      const isThere = async (version: string): Promise<boolean> => (await server.versionsOf(alias)).includes(version);
      const killed = await npmRun(place, index, () => isThere(`${alias}-000001`));
      expect(killed.signal).toBe('SIGKILL');
      await done(place, index);
      expect((await server.vectors(alias, 'hashed-384')).size).toBe(300);
      expect((await server.vectors(alias, 'tiny-bert')).size).toBe(300);

      source(place, 305);
      await done(place, generate);
      await done(place, index);
      expect(await server.indicesOf(alias)).toEqual([`${alias}-000001`]);
      const before = await server.documents(alias);
      expect(before.size).toBe(305);
      const rebuild = await npmRun(place, `${index} --force`, () => isThere(`${alias}-000002`));
      expect(rebuild.signal).toBe('SIGKILL');
      expect(await server.indicesOf(alias)).toEqual([`${alias}-000001`]);
      await done(place, `${index} --force`);
      const [serving, ...others] = await server.indicesOf(alias);
      expect(others).toEqual([]);
      expect(serving).not.toBe(`${alias}-000001`);
      expect(await server.documents(alias)).toEqual(before);
    },
  );
});
