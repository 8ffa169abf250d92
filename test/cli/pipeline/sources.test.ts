import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { expect, it, onTestFinished } from 'vitest';
import { DEAD_LETTER_HEADERS } from '../../../src/record/dead-letter.ts';
import { HASHED, newPlace, type Place } from './runner.ts';

const ids = async (place: Place): Promise<string[]> => [...(await place.live('embedstream.records')).keys()].sort();

function lines(prefix: string, count: number): string {
  return Array.from({ length: count }, (_, i) => `{"id":"${prefix}${i}","text":"Words of ${prefix} ${i}"}\n`).join('');
}

it('a folder of several kinds is one source: read, counted, reconciled, and unchanged when read again', async () => {
  const place = newPlace();
  place.write('docs/a.jsonl', lines('a', 3));
  place.write('docs/sub dir/b.csv', 'id,text\nb0,words of b\nb1,more words\n');
  place.write('docs/sub dir/c.ndjson.gz', gzipSync(lines('c', 2)));
  place.write('docs/sub dir/d.csv.zst', zstdCompressSync('id,text\nd0,words of d\n'));
  place.write('docs/wrong.csv', lines('w', 2));
  place.write('docs/unknown.bin', Buffer.from([1, 2, 3]));
  place.write('docs/unknown.txt', 'just words');
  place.write('docs/empty.jsonl', '');
  place.write('docs/.hidden.jsonl', lines('h', 2));
  place.write('outside.jsonl', lines('o', 2));
  execFileSync('mkfifo', [place.path('docs', 'pipe.jsonl')]);
  mkdirSync(place.path('docs', 'folder.jsonl'));
  symlinkSync('..', place.path('docs', 'sub dir', 'loop'));
  symlinkSync(place.path('outside.jsonl'), place.path('docs', 'out.jsonl'));
  symlinkSync('nowhere', place.path('docs', 'broken.jsonl'));
  place.write('docs/.kept/l.jsonl', lines('l', 1));
  symlinkSync('.kept/l.jsonl', place.path('docs', 'l.jsonl'));

  const embedded = await place.done('embed', '--source=docs', HASHED, '--sink=parquet');
  expect(embedded.produced).toMatchObject([
    {
      source: 'docs',
      read: 11,
      published: 11,
      files: {
        read: { csv: 2, jsonl: 4 },
        detected: {
          csv: [
            { files: 1, first: 'sub dir/b.csv', form: expect.stringMatching(/id id .*text {text}/) as string },
            { files: 1, first: 'sub dir/d.csv.zst', form: expect.stringMatching(/^packed zstd, /) as string },
          ],
          jsonl: [
            { files: 3, first: 'a.jsonl' },
            { files: 1, first: 'sub dir/c.ndjson.gz' },
          ],
        },
        skipped: {
          'of unknown kind': { count: 2, first: 'unknown.bin' },
          empty: { count: 1, first: 'empty.jsonl' },
          hidden: { count: 2, first: '.hidden.jsonl' },
          'no regular file (FIFO, socket or device)': { count: 1, first: 'pipe.jsonl' },
          'link out of the source': { count: 1, first: 'out.jsonl' },
          'link to a folder': { count: 1, first: 'sub dir/loop' },
          'link to nothing': { count: 1, first: 'broken.jsonl' },
        },
      },
    },
  ]);
  expect(await ids(place)).toEqual(['a0', 'a1', 'a2', 'b0', 'b1', 'c0', 'c1', 'd0', 'l0', 'w0', 'w1']);
  expect(await place.done('reconcile')).toMatchObject({ differences: 0 });
  const again = await place.done('produce', '--source=docs/');
  expect(again.produced).toMatchObject([
    { source: 'docs', published: 0, unchanged: 11, newDeadLetters: 0, vanished: 0 },
  ]);
});

it('bad lines of several files are dead letters of their own, each once, that name the file', async () => {
  const place = newPlace();
  place.write('docs/a.jsonl', `${lines('a', 1)}{bad\n`);
  place.write('docs/b.jsonl', `${lines('b', 1)}{bad\n{"id":"a0","text":"again"}\n`);
  place.write('docs/c.csv', '\x00\x01\x02\x03\x04\x05');
  const first = await place.json('produce', '--source=docs');
  expect(first.code).toBe(1);
  expect(first.json.produced).toMatchObject([
    { read: 6, published: 2, deadLettersByReason: { JSONL_INVALID_JSON: 2, DUPLICATE_ID: 1, FILE_UNUSABLE: 1 } },
  ]);
  const again = await place.json('produce', '--source=docs');
  expect(again.code).toBe(0);
  expect(again.json.produced).toMatchObject([{ unchanged: 2, deadLettered: 4, newDeadLetters: 0 }]);
  const letters = [...(await place.live('embedstream.dead-letters')).entries()];
  expect(letters.map(([key]) => key).sort()).toEqual([
    'docs/a.jsonl:2',
    'docs/b.jsonl:2',
    'docs/b.jsonl:3',
    'docs/c.csv:0',
  ]);
  const [, letter] = letters.find(([key]) => key === 'docs/b.jsonl:2')!;
  expect(Buffer.from(letter.headers[DEAD_LETTER_HEADERS.file]!).toString()).toBe('b.jsonl');
  expect(Buffer.from(letter.value!).toString()).toBe('{bad');
  const list = (await place.run('dead-letters', 'list')).stdout;
  expect(list).toMatch(/^ +produce docs\/b\.jsonl:2$/m);
  expect(list).toMatch(/^ +produce docs\/c\.csv$/m);
});

it('the same content under two ids is published twice and embedded once', async () => {
  const place = newPlace();
  place.write('twice.jsonl', '{"id":"a","text":"the same words"}\n{"id":"b","text":"the same words"}\n');
  const embedded = await place.done('embed', '--source=twice.jsonl', '--id=id', '--text=text', HASHED, '--sink=npy');
  expect(embedded.produced).toMatchObject([{ published: 2 }]);
  expect(embedded.processed).toMatchObject([{ read: 2, embedded: 2, reused: 1 }]);
  expect(embedded.sunk).toMatchObject([{ embeddings: 2 }]);
  expect(await place.done('reconcile')).toMatchObject({ differences: 0 });
});

it('--prune deletes the rows of a file that vanished, but nothing while a file may not be read', async () => {
  const place = newPlace();
  place.write('docs/a.jsonl', lines('a', 20));
  place.write('docs/b.jsonl', lines('b', 2));
  place.write('docs/z.jsonl.gz', gzipSync(lines('z', 1)));
  await place.done('produce', '--source=docs');
  execFileSync('rm', [place.path('docs', 'b.jsonl')]);
  place.write('docs/z.jsonl.gz', gzipSync(lines('z', 1)).subarray(0, -12));
  const partial = await place.json('produce', '--source=docs', '--prune');
  expect(partial.stderr).toMatch(/could not be read, so nothing of docs was pruned/);
  expect(partial).toMatchObject({ code: 1, json: { produced: [{ pruned: 0, partial: true }] } });
  expect(await ids(place)).toHaveLength(23);
  place.write('docs/z.jsonl.gz', gzipSync(lines('z', 1)));
  expect(await place.done('produce', '--source=docs', '--prune')).toMatchObject({ produced: [{ pruned: 2 }] });
  expect(await ids(place)).toHaveLength(21);
});

it('a glob and several sources', async () => {
  const place = newPlace();
  place.write('docs/a.jsonl', lines('a', 1));
  place.write('docs/b.csv', 'id,text\nb0,words of b\n');
  place.write('docs/sub/c.jsonl', lines('c', 1));
  place.write('more [1].csv', 'id,text\nm0,words of m\n');
  const produced = await place.done('produce', '--source=docs/**/*.jsonl,more [1].csv');
  expect(produced.produced).toMatchObject([
    { source: 'docs', published: 2 },
    { source: 'more [1]', published: 1 },
  ]);
  expect(await ids(place)).toEqual(['a0', 'c0', 'm0']);
  const clash = await place.run('produce', '--source=docs/*.csv,docs');
  expect(clash).toMatchObject({ code: 2 });
  expect(clash.stderr).toMatch(/Two sources have the name "docs"/);
  const none = await place.run('produce', '--source=docs/*.pdf');
  expect(none).toMatchObject({ code: 2 });
  expect(none.stderr).toMatch(/holds no file of a known kind/);
});

it('a FIFO that is named is refused, not waited for', async () => {
  const place = newPlace();
  execFileSync('mkfifo', [place.path('pipe.csv')]);
  const refused = await place.run('produce', '--source=pipe.csv');
  expect(refused).toMatchObject({ code: 2 });
  expect(refused.stderr).toMatch(/no regular file/);
});

it('a URL is fetched, read, and leaves no file and no secret behind', async () => {
  const place = newPlace();
  const asked: (string | undefined)[] = [];
  const server = createServer(({ url, headers }, response) => {
    asked.push(headers.authorization);
    if (url?.startsWith('/papers') === true) response.end(gzipSync(lines('u', 3)));
    else if (url === '/short')
      response.writeHead(200, { 'content-length': '100' }).write('id,text\n', () => response.destroy());
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const tmp = place.path('tmp');
  mkdirSync(tmp);
  const run = (source: string) =>
    place.start(['produce', `--source=${source}`, '--allow-private-hosts', '--json'], { environment: { TMPDIR: tmp } })
      .ended;
  const done = await run(`http://user:geheim@${host}/papers%20one.jsonl.gz?token=geheim`);
  expect(done).toMatchObject({ code: 0 });
  expect(JSON.parse(done.stdout)).toMatchObject({
    produced: [{ source: 'papers one', published: 3, location: `http://${host}/papers%20one.jsonl.gz` }],
  });
  expect(done.stdout + done.stderr).not.toContain('geheim');
  expect(done.stderr).toMatch(/downloaded \d+ B/);
  expect(asked[0]).toBe(`Basic ${Buffer.from('user:geheim').toString('base64')}`);
  expect(await run(`http://${host}/none.csv`)).toMatchObject({ code: 2 });
  expect(await run(`http://${host}/short`)).toMatchObject({ code: 1 });
  expect(
    readdirSync(tmp).filter((name) => name.startsWith('embedstream-') && name !== 'embedstream-compile-cache'),
  ).toEqual([]);
});

it('--dry-run shows what would be published and why not, and writes nothing', async () => {
  const place = newPlace();
  place.write('docs.jsonl', `${lines('a', 8)}{bad\n{"id":"x","text":""}\n`);
  place.write('old.jsonl', lines('o', 2));
  await place.done('produce', '--source=old.jsonl');
  place.write('old.jsonl', `${lines('o', 1)}{"id":"o1","text":"other words","n":1}\n`);
  const end = async (): Promise<unknown> =>
    place.withLog(async (log) => (await log.topics()).map(({ name, partitionInfo }) => [name, partitionInfo]));
  const before = await end();
  const dry = await place.json('produce', '--source=docs.jsonl,old.jsonl', '--dry-run');
  expect(dry.code).toBe(1);
  expect(dry.json).toMatchObject({
    dryRun: [
      {
        source: 'docs',
        deadLetters: [
          { code: 'JSONL_INVALID_JSON', line: 9 },
          { code: 'JSONL_NO_TEXT', line: 10 },
        ],
      },
      {
        source: 'old',
        records: [
          { id: 'o0', decision: 'unchanged' },
          { id: 'o1', decision: 'changed', text: 'other words', metadata: { n: 1 }, parts: { text: 11 } },
        ],
      },
    ],
    produced: [
      { read: 10, published: 8, deadLettered: 2 },
      { read: 2, published: 1, unchanged: 1 },
    ],
  });
  const text = await place.run('embed', '--source=docs.jsonl', '--dry-run', HASHED);
  expect(text.stdout).toMatch(/a0 \(new\)\n {4}text {6}Words of a 0\n/);
  expect(text.stdout).toContain('Nothing was published');
  expect(await end()).toEqual(before);
  expect(existsSync(place.path('data'))).toBe(false);
});
