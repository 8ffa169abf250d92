import { join } from 'node:path';
import { expect, it } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { openSource } from '../../src/producers/open-source.ts';
import { folderOf, plainJpeg, readSource } from './image/images.ts';
import { makePdf } from './pdf/make-pdf.ts';

it.each([
  'gone.csv',
  'gone.jsonl',
  'gone.jsonl.gz',
  'gone.json',
  'gone.pdf',
  'gone.jpg',
  'gone',
  'here.jsonl/gone.pdf',
])('%s, which is not there, is refused whatever its name says', async (name) => {
  const folder = folderOf({ 'here.jsonl': '{"id":1,"text":"words"}' });
  const refused = openSource(join(folder, name));
  await expect(refused).rejects.toBeInstanceOf(UsageError);
  await expect(refused).rejects.toThrow(`There is no file ${join(folder, name)}`);
});

it('a file that is not there: the ones of its kind that are', async () => {
  const folder = folderOf({ 'b.pdf': '', 'a.PDF': '', 'c.csv': '' });
  await expect(openSource(join(folder, 'x.pdf'))).rejects.toThrow(`${folder} holds: a.PDF, b.pdf.`);
  await expect(openSource(join(folder, 'x.jsonl'))).rejects.toThrow(`${folder} holds: c.csv.`);
});

it('addresses that nothing reads are refused without showing what is in them', async () => {
  const refused = openSource('sftp://me:geheim@host/objects.csv');
  await expect(refused).rejects.toThrow(/begin with sftp:\/\/ are not read/);
  await expect(refused).rejects.not.toThrow(/geheim/);
});

it.each(['e.csv', 'e.jsonl', 'e.json', 'e'])('%s without bytes is said to be empty', async (name) => {
  await expect(openSource(join(folderOf({ [name]: '' }), name))).rejects.toThrow(/is empty/);
});

it('in a folder, an empty table has no rows, an empty document or image is a fault that keeps what it was', async () => {
  const pages = [{ content: 'BT /F1 12 Tf (Words) Tj ET' }];
  const folder = folderOf({
    'a.csv': '',
    'b.jsonl': '',
    'c.pdf': '',
    'd.jpg': '',
    'e.txt': '',
    'f.jpg': await plainJpeg(9, 9),
    'g.pdf': makePdf({ pages }),
  });
  const { faults, batches } = await readSource(folder);
  expect(faults.map(({ file, code }) => [file, code])).toEqual([
    ['c.pdf', 'PDF_EMPTY'],
    ['d.jpg', 'IMAGE_EMPTY'],
  ]);
  expect(faults[0]!.reason).toMatch(/c\.pdf is empty: it has no bytes\. Get the whole file/);
  expect(faults[1]!.reason).toMatch(/the file is empty/);
  expect(batches.flatMap(({ unreadFiles = [] }) => unreadFiles)).toEqual(['c.pdf', 'd.jpg']);
  expect(batches.some(({ isPartial }) => isPartial)).toBe(false);
});
