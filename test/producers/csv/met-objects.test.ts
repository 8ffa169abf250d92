import { sharedMaterial } from '../../shared-material.ts';
import { describe, expect, test } from 'vitest';
import { openCsvSource } from '../../../src/producers/csv/csv-source.ts';
import { csvFolder, readAll } from './csv-fixture.ts';

const files = csvFolder();
const header =
  'Object Number;Is Highlight;Is Public Domain;Object ID;Department;Object Name;Title;Culture;Artist Display Name;' +
  'Artist Nationality;Object Date;Medium;Credit Line;Tags';

describe('the met-objects preset', () => {
  test('goes by the header and composes the text, repeats dropped and lists written out', async () => {
    const row = '1.2;False;True;77; Arms ;Vase;vase;;Ada|Bea;French|French;1850;Gold.;Gift;Birds|Flowers';
    const { items } = await files.read(`${header}\n${row}\n`);
    expect(items[0]).toMatchObject({
      id: '77',
      text: 'vase. Ada, Bea, French. 1850. Gold. Arms. Birds, Flowers',
      metadata: { 'Object Number': '1.2', Title: 'vase', Culture: null, Tags: 'Birds|Flowers' },
    });
    expect(items[0]!.metadata).not.toHaveProperty('Object ID');
  });

  test('a row whose id is no number is a fault: its cells are shifted', async () => {
    const row = '1.2;False;True;New York;Arms;Vase;vase;;;;1850;Gold;Gift;';
    const { faults } = await files.read(`${header}\n${row}\n`);
    expect(faults).toMatchObject([{ code: 'CSV_INVALID_ID', line: 2 }]);
  });

  test('is turned off by --preset=none and by parts by --id and --text', async () => {
    const row = '1.2;False;True;7x;Arms;Vase;vase;;;;1850;Gold;Gift;';
    const read = async (options: object) => (await files.read(`${header}\n${row}\n`, options)).items[0];
    expect(await read({ preset: 'none' })).toMatchObject({ id: '7x' });
    expect(await read({ id: 'Object Number' })).toMatchObject({ id: '1.2', text: 'vase. 1850. Gold. Arms' });
    expect(await read({ id: 'Object Number', text: '{Medium}' })).toMatchObject({ text: 'Gold' });
  });

  test('asked for where it does not fit, it says which column is missing', async () => {
    await expect(files.open('id,title\n1,a\n', { preset: 'met-objects' })).rejects.toThrow(/no column "Object ID"/);
  });
});

const metObjects = sharedMaterial('data/MetObjects.csv');

describe.skipIf(metObjects === undefined)("MetObjects.csv as one person's spreadsheet saved it", () => {
  test('all rows are accounted for, and names with dashes and accents are right', async () => {
    const source = await openCsvSource({ path: metObjects ?? '' });
    expect(source.name).toBe('MetObjects');
    const { items, faults, order, bytesRead } = await readAll(source);
    expect(order).toHaveLength(999);
    expect(bytesRead).toBe(source.totalBytes);
    const codes = Map.groupBy(faults, ({ code }) => code);
    expect(codes.get('CSV_MISSING_ID')).toHaveLength(115);
    expect(codes.get('CSV_INVALID_ID')).toMatchObject([{ line: 459 }]);
    expect(items).toHaveLength(883);
    expect(items.every(({ id }) => /^\d+$/.test(id))).toBe(true);
    const texts = items.map(({ text }) => text!).join('\n');
    for (const name of ['1785–90', 'Christ’s', '“Shakers”']) expect(texts).toContain(name);
    const all = items.flatMap(({ metadata }) => Object.values(metadata)).join('\n');
    for (const name of ['é', 'ü', '©']) expect(all).toContain(name);
    expect(texts + all).not.toContain('\ufffd');
    expect(texts).not.toMatch(/\. \.|\.\./);
    expect(items.every(({ metadata }) => Object.keys(metadata).length === 53)).toBe(true);
  });
});
