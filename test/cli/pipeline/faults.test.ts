import { mkdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { documentRow, HASHED, newPlace, numbers, TINY_BERT } from './runner.ts';
import type { Exit, Place } from './runner.ts';

function withRows(): Place {
  const place = newPlace();
  place.writeRows(
    'documents.csv',
    numbers(0, 10).map((i) => documentRow(i)),
  );
  return place;
}

/** One message that says what to do, and nothing of our insides. */
function expectFailure({ code, stdout, stderr }: Exit, exitCode: number, message: RegExp): void {
  expect({ code, stderr, stdout }).toMatchObject({ code: exitCode, stdout: '' });
  expect(stderr).toMatch(message);
  expect(stderr).not.toMatch(/\n\s+at |bug of embedstream/);
}

const EMBED = ['embed', '--source=documents.csv', '--sink=parquet', HASHED];

it('says so when the log or the output can’t be written where it should be', async () => {
  const place = withRows();
  place.write('a-file', 'no folder');
  expectFailure(await place.run(...EMBED, '--data-dir=a-file'), 1, /error: .*a-file/);
  expectFailure(await place.run(...EMBED, '--data-dir=a-file/log'), 1, /error: .*a-file/);
  expectFailure(await place.run(...EMBED, '--out=a-file'), 1, /error: .*a-file/);
  // What was embedded before the output failed is not embedded again.
  const later = await place.done(...EMBED);
  expect(later.sunk).toMatchObject([{ embeddings: 10 }]);
  place.write('other/parquet/hashed-384', 'a file where the folder of the shards belongs');
  expectFailure(await place.run('sink', 'parquet', HASHED, '--out=other'), 1, /other\/parquet\/hashed-384/);
});

it('stops when the disk is full, and goes on without a loss when there is room again', async () => {
  const place = newPlace();
  place.writeRows(
    'documents.csv',
    numbers(0, 2000).map((i) => documentRow(i)),
  );
  const limited = (args: string[], maxFileKiB: number): Promise<Exit> => place.start(args, { maxFileKiB }).ended;
  expectFailure(await limited(EMBED, 1000), 1, /Nothing more can be written to .*log\.db/);
  await place.done(...EMBED);
  expectFailure(await limited(['sink', 'npy', HASHED], 2000), 1, /error: .*npy.*(?:too large|full)/);
  expect(place.files('data', 'npy', 'hashed-384')).toEqual(['.staging']);
  await place.done('sink', 'npy', HASHED);
  const reconciled: unknown = await place.done('reconcile');
  expect(reconciled).toMatchObject({ differences: 0, sinks: [{ live: 2000 }, { live: 2000 }] });
});

it('says so when the log’s file is no log', async () => {
  const place = withRows();
  place.write('.embedstream/log.db', 'this is no database, but a text that somebody has put here by mistake');
  expectFailure(await place.run('status'), 1, /log\.db can't be read as a log/);
});

it('reads several files in one run, and refuses two of one name', async () => {
  const place = withRows();
  place.writeRows(
    'more.csv',
    numbers(10, 15).map((i) => documentRow(i)),
  );
  place.writeRows(
    'folder/documents.csv',
    numbers(20, 25).map((i) => documentRow(i)),
  );
  const two = await place.done('produce', '--source=documents.csv', '--source=more.csv');
  expect(two.produced).toMatchObject([
    { source: 'documents', published: 10 },
    { source: 'more', published: 5 },
  ]);
  const refused = await place.run('produce', '--source=documents.csv,folder/documents.csv');
  expectFailure(refused, 2, /Two sources have the name "documents".*--name/);
  const named = await place.done('produce', '--source=folder/documents.csv', '--name=others');
  expect(named.produced).toMatchObject([{ source: 'others', published: 5 }]);
  expect((await place.live('embedstream.records')).size).toBe(20);
});

it('names what is wrong with a source, and what there is instead', async () => {
  const place = withRows();
  const produce = (...args: string[]): Promise<Exit> => place.run('produce', ...args);
  expectFailure(await produce('--source=documents.csv', '--id=nr'), 2, /no column "nr".*"id", "text", "year"/);
  expectFailure(await produce('--source=documents.csv', '--text={titel}'), 2, /no column "titel".*"text"/);
  expectFailure(await produce('--source=documents.csv', '--metadata=jear'), 2, /Did you mean "year"/);
  expectFailure(await produce('--source=documents.csv', '--where=colour=red'), 2, /no column "colour"/);
  expectFailure(await produce('--source=document.csv'), 2, /no file document\.csv.*documents\.csv/);
  mkdirSync(place.path('folder'));
  expectFailure(await produce('--source=folder'), 2, /folder holds no file of a known kind/);
  place.write('empty.csv', '');
  expectFailure(await produce('--source=empty.csv'), 2, /empty\.csv is empty/);
  place.write('sheet.csv', Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(500)]));
  expectFailure(await produce('--source=sheet.csv'), 2, /Excel/);
});

it('a header without rows publishes nothing and is no error', async () => {
  const place = newPlace();
  place.write('documents.csv', 'id,text,year\n');
  const report = await place.done(...EMBED);
  expect(report.produced).toMatchObject([{ read: 0, published: 0 }]);
  expect(report.sunk).toMatchObject([{ embeddings: 0, shards: 0 }]);
});

it('names the models and flags that are nearest to an unknown one', async () => {
  const place = withRows();
  expectFailure(await place.run('process', '--model=hashed-385'), 2, /Did you mean hashed-384/);
  expectFailure(await place.run('process', '--model=./nowhere'), 2, /no model folder .*nowhere/);
  expectFailure(await place.run('process', '--modle=hashed-384'), 2, /did you mean --model/);
  expectFailure(await place.run('proces'), 2, /did you mean process/);
  for (const command of ['process', 'search words'])
    expectFailure(await place.run(...command.split(' '), '--model=all-MiniLM-L6-v3'), 2, /all-MiniLM-L6-v2/);
  expectFailure(await place.run('process', '--model=hashed-384,hashed-384'), 2, /the same model twice/);
  expectFailure(await place.run('process', `--model=${TINY_BERT},${TINY_BERT}`), 2, /the same model twice/);
  expectFailure(await place.run('sink', 'parquet,parquet', HASHED), 2, /parquet is asked for twice/);
});
