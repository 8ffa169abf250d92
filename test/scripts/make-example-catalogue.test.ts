import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { makeCatalogue } from '../../scripts/make-example-catalogue.ts';
import { openCsvSource } from '../../src/producers/csv/csv-source.ts';
import { readAll } from '../producers/csv/csv-fixture.ts';

const path = fileURLToPath(new URL('../../examples/catalogue.csv', import.meta.url));

test('the catalogue in examples/ is what the script makes, byte for byte', () => {
  expect(Buffer.from(makeCatalogue()).equals(readFileSync(path))).toBe(true);
});

test('it is read without a flag and without a fault, and is varied', async () => {
  const source = await openCsvSource({ path });
  expect(source.description).toMatchObject({ columns: '54', delimiter: 'comma', encoding: 'utf-8 (valid UTF-8)' });
  const { items, faults } = await readAll(source);
  expect(faults).toEqual([]);
  expect(items).toHaveLength(2000);
  const distinct = (column: string): number => new Set(items.map(({ metadata }) => metadata[column])).size;
  expect(distinct('Title')).toBeGreaterThan(1000);
  expect(distinct('Culture')).toBeGreaterThan(25);
  expect(distinct('Medium')).toBeGreaterThan(120);
  expect(distinct('Artist Display Name')).toBeGreaterThan(100);
  expect(items.filter(({ raw }) => raw.includes('\n')).length).toBeGreaterThan(5);
  expect(items.filter(({ raw }) => raw.includes('""')).length).toBeGreaterThan(5);
});

test('bronze vessels with dragons are there among near misses', async () => {
  const texts = (await readAll(await openCsvSource({ path }))).items.map(({ text }) => text!);
  const bronze = texts.filter((text) => /vessel|jar|basin|cauldron|ewer/i.test(text) && /bronze/i.test(text));
  expect(bronze.filter((text) => /dragon/i.test(text)).length).toBeGreaterThan(8);
  expect(bronze.filter((text) => !/dragon/i.test(text)).length).toBeGreaterThan(8);
  expect(texts.filter((text) => /dragon/i.test(text) && !/bronze/i.test(text)).length).toBeGreaterThan(50);
});
