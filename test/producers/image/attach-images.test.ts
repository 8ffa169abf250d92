import { execFileSync } from 'node:child_process';
import { createServer, type ServerResponse } from 'node:http';
import { mkdirSync, symlinkSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryLog } from '../../../src/log/memory/memory-log.ts';
import { openSource } from '../../../src/producers/open-source.ts';
import { hostileNames } from '../../hostile/hostile-corpus.ts';
import { codec, latestValues, publishRows, topics } from '../../pipeline-fixtures.ts';
import { fixture, folderOf, noisyJpeg, plainJpeg, readSource } from './images.ts';

const wide = fixture('wide.jpg');
const exact = fixture('exact.png');

describe.each([
  [
    'CSV',
    'rows.csv',
    (rows: readonly (readonly string[])[]) =>
      ['no,text,image', ...rows.map((row) => row.map((cell) => `"${cell}"`).join(','))].join('\n'),
  ],
  [
    'JSON lines',
    'rows.jsonl',
    (rows: readonly (readonly string[])[]) =>
      rows.map(([no, text, image]) => JSON.stringify({ no, text, image })).join('\n'),
  ],
] as const)('%s', (kind, name, write) => {
  it('rows have the images that a template of their columns names', async () => {
    const folder = folderOf({
      [name]: write([
        ['1', 'a red chair', 'a/wide.jpg'],
        ['2', '', 'exact.png'],
        ['3', 'no image', ''],
        ['4', '', ''],
      ]),
      'images/a/wide.jpg': wide,
      'images/exact.png': exact,
    });
    const options = { id: 'no', image: 'image', imagesDir: join(folder, 'images') };
    const { items, faults } = await readSource(join(folder, name), options);
    expect(items.map(({ id, text, image }) => [id, text, image])).toEqual([
      ['1', 'a red chair', { mime: 'image/jpeg', bytes: wide }],
      ['2', undefined, { mime: 'image/png', bytes: exact }],
      ['3', 'no image', undefined],
    ]);
    expect(items[0]?.metadata.get('image')).toBe('a/wide.jpg');
    expect(faults).toMatchObject([{ code: `${kind === 'CSV' ? 'CSV' : 'JSONL'}_NO_TEXT` }]);
    expect(faults[0]?.reason).toMatch(/no text and no image: "text", "image" are all empty/);

    const none = await readSource(join(folder, name), { ...options, text: 'none' });
    expect(none.items.map(({ id, text }) => [id, text])).toEqual([
      ['1', undefined],
      ['2', undefined],
    ]);
  });

  it('what can not be had is a dead letter of its row, and no path leads out of the folder', async () => {
    const rows = [
      ['ok', 'a.jpg'],
      ['missing', 'none.jpg'],
      ['up', '../secret.jpg'],
      ['within', 'sub/../../secret.jpg'],
      ['absolute', '/etc/passwd'],
      ['windows', 'C:\\secret.jpg'],
      ['backslash', '..\\secret.jpg'],
      ['link', 'link.jpg'],
      ['folder link', 'out/secret.jpg'],
      ['inner link', 'inner.jpg'],
      ['folder', 'sub'],
      ['fifo', 'fifo.jpg'],
      ['loop', 'loop.jpg'],
      ['long', `${'x'.repeat(300)}.jpg`],
      ['words', 'words.jpg'],
      ['cut', 'cut.jpg'],
      ['bomb', 'bomb.jpg'],
      ['large', 'large.jpg'],
      ['last', 'a.jpg'],
    ];
    const folder = folderOf({
      [name]: write(rows.map(([id = '', path = '']) => [id, 'words', path])),
      'secret.jpg': wide,
      'images/a.jpg': wide,
      'images/words.jpg': 'words',
      'images/cut.jpg': wide.subarray(0, 3_000),
      'images/bomb.jpg': await plainJpeg(9_000, 9_000),
      'images/large.jpg': Buffer.concat([wide, Buffer.alloc(5_000_000)]),
    });
    const images = join(folder, 'images');
    mkdirSync(join(images, 'sub'));
    symlinkSync('../secret.jpg', join(images, 'link.jpg'));
    symlinkSync('..', join(images, 'out'));
    symlinkSync('a.jpg', join(images, 'inner.jpg'));
    symlinkSync('loop.jpg', join(images, 'loop.jpg'));
    execFileSync('mkfifo', [join(images, 'fifo.jpg')]);
    const log = createMemoryLog();
    const options = { id: 'no', text: 'text', image: 'image', imagesDir: images, maxInlineBytes: 4_000_000 };
    const { items, faults, batches } = await readSource(join(folder, name), options);
    expect(items.map(({ id }) => id)).toEqual(['ok', 'inner link', 'last']);
    const codes = faults.map(({ reason, code }) => [/image of "(.*?)":/.exec(reason)?.[1], code]);
    expect(codes).toEqual([
      ['missing', 'IMAGE_FILE_MISSING'],
      ['up', 'IMAGE_PATH_OUTSIDE'],
      ['within', 'IMAGE_PATH_OUTSIDE'],
      ['absolute', 'IMAGE_PATH_OUTSIDE'],
      ['windows', 'IMAGE_PATH_OUTSIDE'],
      ['backslash', 'IMAGE_PATH_OUTSIDE'],
      ['link', 'IMAGE_PATH_OUTSIDE'],
      ['folder link', 'IMAGE_PATH_OUTSIDE'],
      ['folder', 'IMAGE_NO_FILE'],
      ['fifo', 'IMAGE_NO_FILE'],
      ['loop', 'IMAGE_FILE_MISSING'],
      ['long', 'IMAGE_FILE_MISSING'],
      ['words', 'IMAGE_FORMAT_UNKNOWN'],
      ['cut', 'IMAGE_TRUNCATED'],
      ['bomb', 'IMAGE_TOO_LARGE'],
      ['large', 'IMAGE_TOO_MANY_BYTES'],
    ]);
    // A row whose image is cut off has not vanished.
    expect(batches.some(({ isPartial }) => isPartial === true)).toBe(true);
    const report = await publishRows(log, [], { source: await openSource(join(folder, name), options) });
    expect(report).toMatchObject({ read: 19, created: 3, deadLettered: 16, partial: true });
  });
});

it('files of any name are found', async () => {
  const names = hostileNames('.jpg');
  const folder = folderOf({
    'rows.jsonl': names.map((file, i) => JSON.stringify({ id: `r${i}`, file })).join('\n'),
    ...Object.fromEntries(names.map((name) => [`images/${name}`, wide])),
  });
  const { items, faults } = await readSource(join(folder, 'rows.jsonl'), {
    id: 'id',
    text: 'none',
    image: 'file',
    imagesDir: join(folder, 'images'),
  });
  expect(faults).toEqual([]);
  expect(items).toHaveLength(names.length);
});

it('images of many rows come in batches that are small enough to be held', async () => {
  const large = await noisyJpeg(1200, 1000);
  const folder = folderOf({
    'rows.jsonl': Array.from({ length: 40 }, (_, i) => `{"id":"r${i}"}`).join('\n'),
    'images/a.jpg': large,
  });
  const options = { image: '{id}.jpg', imagesDir: join(folder, 'images'), maxInlineBytes: 4_000_000 };
  for (let i = 0; i < 40; i++) symlinkSync('a.jpg', join(folder, 'images', `r${i}.jpg`));
  const { items, batches } = await readSource(join(folder, 'rows.jsonl'), options);
  expect(items.map(({ id }) => id)).toEqual(Array.from({ length: 40 }, (_, i) => `r${i}`));
  expect(Math.max(...batches.map((batch) => batch.items.length))).toBeLessThanOrEqual(
    Math.ceil(2 ** 22 / large.length),
  );
  const read = batches.map(({ bytesRead }) => bytesRead);
  expect(read).toEqual(read.toSorted((a, b) => a - b));
  expect(new Set(read).size).toBeGreaterThan(5);
});

it('flags that do not go together are told before anything is read', async () => {
  const folder = folderOf({ 'a.csv': 'id,image\n1,a.jpg\n', 'b.jsonl': '{"id":"1"}\n' });
  for (const source of [folder, join(folder, 'a.csv')]) {
    await expect(readSource(source, { image: 'image' })).rejects.toThrow(/--image needs --images-dir/);
    await expect(readSource(source, { imagesDir: folder })).rejects.toThrow(/--images-dir needs --image/);
    await expect(readSource(source, { image: 'a', imageUrl: 'b' })).rejects.toThrow(/Give one of them/);
    await expect(readSource(source, { image: 'a', imagesDir: '/nowhere' })).rejects.toThrow(/no folder \/nowhere/);
    await expect(readSource(source, { maxInlineBytes: 9_000_000 })).rejects.toThrow(/can be \d+ at most/);
  }
  const csv = join(folder, 'a.csv');
  await expect(readSource(csv, { image: 'imag', imagesDir: folder })).rejects.toThrow(
    /--image: there is no column "imag"/,
  );
  await expect(readSource(csv, { image: 'a.jpg{{}}', imagesDir: folder })).rejects.toThrow(/the same image/);
});

describe('images behind URLs', () => {
  let handle: (url: string, response: ServerResponse) => void = () => undefined;
  let host = '';
  let active = 0;
  let most = 0;
  const asked: string[] = [];
  const server = createServer(({ url = '' }, response) => {
    asked.push(url);
    most = Math.max(most, ++active);
    response.on('close', () => active--);
    handle(url, response);
  });
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  beforeEach(() => {
    asked.length = most = 0;
    handle = (url, response) => {
      if (url.startsWith('/wide')) response.end(wide);
      else if (url.startsWith('/words')) response.end('words');
      else if (url.startsWith('/out')) response.writeHead(302, { location: 'http://169.254.169.254/latest' }).end();
      else response.writeHead(url.startsWith('/gone') ? 410 : 404).end();
    };
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it('are fetched side by side, in order; what is at fault with one is a dead letter of its row', async () => {
    const paths = [
      'wide 1.jpg',
      'none',
      'wide#2.jpg',
      'gone',
      'words',
      ...Array.from({ length: 40 }, (_, i) => `wide${i}`),
    ];
    const folder = folderOf({
      'rows.csv': ['id,path', ...paths.map((path, i) => `r${i},${path}`), 'last,'].join('\n'),
    });
    const options = {
      imageUrl: `${host}/{path}?token=geheim`,
      text: 'path',
      allowPrivateHosts: true,
      requestsPerHost: 3,
    };
    // The first ones are answered when as many as may be have asked.
    const answer = handle;
    const waiting: (() => void)[] = [];
    handle = (url, response) => {
      waiting.push(() => {
        answer(url, response);
      });
      if (asked.length >= 3) for (const each of waiting.splice(0)) each();
    };
    const { items, faults } = await readSource(join(folder, 'rows.csv'), options);
    expect(items).toHaveLength(42);
    expect(items[0]?.image?.bytes).toEqual(wide);
    expect(items.map(({ id }) => id)).toEqual(['r0', 'r2', ...Array.from({ length: 40 }, (_, i) => `r${i + 5}`)]);
    expect(faults.map(({ line, code }) => [line, code])).toEqual([
      [3, 'URL_REFUSED'],
      [5, 'URL_REFUSED'],
      [6, 'IMAGE_FORMAT_UNKNOWN'],
      [47, 'CSV_NO_TEXT'],
    ]);
    expect(faults.map(({ reason }) => reason).join()).not.toContain('geheim');
    expect(most).toBe(3);
    expect(asked).toContain('/wide%232.jpg?token=geheim');
  });

  it('on hosts that are not on the internet are dead letters that name the flag', async () => {
    const folder = folderOf({
      'rows.csv': `id,url\na,${host}/wide\nb,http://[::1]/x\nc,file:///etc/passwd\nd,words\n`,
    });
    const path = join(folder, 'rows.csv');
    const { items, faults } = await readSource(path, { imageUrl: 'url' });
    expect(items).toEqual([]);
    expect(faults.map(({ code }) => code)).toEqual([
      'URL_PRIVATE_ADDRESS',
      'URL_PRIVATE_ADDRESS',
      'URL_INVALID',
      'URL_INVALID',
    ]);
    expect(faults[0]?.reason).toMatch(/rows\.csv:2: the image of "a": .*--allow-private-hosts/);
    expect(asked).toEqual([]);
  });

  it('too large ones are cut, or scaled down', async () => {
    const large = await noisyJpeg(900, 600);
    handle = (_, response) => {
      response.write(large);
      response.end();
    };
    const folder = folderOf({ 'rows.csv': `id,url\na,${host}/large\n` });
    const options = { imageUrl: 'url', allowPrivateHosts: true, maxInlineBytes: 100_000 };
    const { faults } = await readSource(join(folder, 'rows.csv'), options);
    expect(faults).toMatchObject([{ code: 'IMAGE_TOO_MANY_BYTES' }]);
    const { items } = await readSource(join(folder, 'rows.csv'), { ...options, imageMaxSide: 224 });
    expect(items[0]?.image?.bytes?.length).toBeLessThan(100_000);
  });

  it('a run that has been stopped by a server goes on with the rows that are missing, and the bytes decide', async () => {
    const folder = folderOf({
      'rows.csv': ['id,url', ...Array.from({ length: 4 }, (_, i) => `r${i},${host}/wide${i}`)].join('\n'),
    });
    const log = createMemoryLog();
    const publishAll = async () => {
      const source = await openSource(join(folder, 'rows.csv'), {
        imageUrl: 'url',
        text: 'none',
        allowPrivateHosts: true,
      });
      return publishRows(log, [], { source });
    };
    expect(await publishAll()).toMatchObject({ created: 4, deadLettered: 0 });
    expect(await publishAll()).toMatchObject({ unchanged: 4, created: 0 });
    handle = (url, response) => response.end(url === '/wide2' ? exact : wide);
    expect(await publishAll()).toMatchObject({ unchanged: 3, changed: 1 });
    const record = codec.decodeSourceRecord((await latestValues(log, topics.records)).get('r2')!);
    expect(record.image?.mime).toBe('image/png');
    // The last attempt of a server that has trouble ends the run; a long pause is not waited for.
    handle = (_, response) => response.writeHead(503, { 'retry-after': '86400' }).end();
    await expect(publishAll()).rejects.toMatchObject({ code: 'FETCH_FAILED' });
    expect((await latestValues(log, topics.deadLetters)).size).toBe(0);
  });
});
