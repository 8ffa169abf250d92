import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { sortedNames } from '../../../src/producers/files/sorted-names.ts';

it.each([1, 2, 3, 7, 99, 100, 101])('sorts 100 names in blocks of %i, each once', async (block) => {
  const folder = mkdtempSync(join(tmpdir(), 'names-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  const names = Array.from({ length: 100 }, (_, i) => `${(i * 37) % 100}-\u{1f600}\ufeff`);
  for (const name of [...names, '\ufeffbom']) writeFileSync(join(folder, name), '');
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x61, 0xff])]), '');
  const found: (string | undefined)[] = [];
  for await (const name of sortedNames(folder, block)) found.push(name);
  expect(found).toEqual([undefined, ...names.sort(), '\ufeffbom']);
});
