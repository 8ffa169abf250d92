import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { MODEL, OutputPlace, type OutputFactory } from '../../contracts/store/place.ts';
import { describeOutputContract } from '../../contracts/store.ts';

const HOOK = new URL('../../contracts/store/with-example.ts', import.meta.url).href;

/** Runs statements on the file, beside the sink. */
async function inFile<Result>(file: string, body: (database: DatabaseSync) => Result): Promise<Result> {
  await Promise.resolve();
  const database = new DatabaseSync(file, { timeout: 30_000 });
  try {
    return body(database);
  } finally {
    database.close();
  }
}

const factory: OutputFactory = {
  name: 'sqlite',
  isStore: true,
  environment: { NODE_OPTIONS: `--import=${HOOK}` },
  refused: { id: 'i'.repeat(201), code: 'SQLITE_ID' },
  create: (folder) => {
    const file = join(folder, 'embeddings.db');
    const flags = [`--sqlite-file=${file}`];
    return Promise.resolve({
      flags: () => flags,
      contents: (model) =>
        inFile(file, (database) => {
          const rows = database.prepare('SELECT id, vector FROM embeddings WHERE model = ?').all(model);
          return new Map(
            rows.map(({ id, vector }) => [String(id), new Float32Array(Uint8Array.from(vector as Uint8Array).buffer)]),
          );
        }),
      damage: {
        remove: (model, id) =>
          inFile(file, (database) => {
            database.prepare('DELETE FROM embeddings WHERE model = ? AND id = ?').run(model, id);
          }),
        age: (model, id) =>
          inFile(file, (database) => {
            database.prepare('UPDATE embeddings SET created_at = 1 WHERE model = ? AND id = ?').run(model, id);
          }),
        add: (model, id) =>
          inFile(file, (database) => {
            database.prepare('INSERT INTO embeddings VALUES (?, ?, zeroblob(1536), NULL, 1)').run(model, id);
          }),
      },
    });
  },
};

describeOutputContract(factory);

it('a name is one output: files are refused under that of a store, and a store under that of files', async () => {
  const output = await OutputPlace.create(factory);
  await output.feed([1, 2]);
  await output.sink(['--sink-name=mine']);
  const parquet = ['sink', 'parquet', `--model=${MODEL}`];
  await output.run([...parquet, '--sink-name=theirs']);
  expect(await output.run([...parquet, '--sink-name=mine'], 2)).toMatchObject({ error: { code: 'USAGE' } });
  await output.run(output.sinkArguments('--sink-name=theirs'), 2);
  await output.run(['sink', 'parquet,sqlite', ...output.flagsOf(MODEL), `--model=${MODEL}`, '--sink-name=both'], 2);
  for (const flag of ['--force', '--snapshot'])
    await output.run(['sink', 'parquet,sqlite', ...output.flagsOf(MODEL), `--model=${MODEL}`, flag], 2);
  expect(await output.reconcile()).toMatchObject({ differences: 0, sinks: [{ sink: 'mine' }, { sink: 'theirs' }] });
});
