import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { notesFormat } from '../../docs/examples/notes-format.ts';
import { formats } from '../../src/producers/formats.ts';
import { openSource } from '../../src/producers/open-source.ts';
import type { Source } from '../../src/producers/port.ts';
import { newPlace } from '../cli/pipeline/runner.ts';
import { createMemoryLog, latestValues, publishRows, topics } from '../pipeline-fixtures.ts';

const DOCS = join(import.meta.dirname, '..', '..', 'docs');

it('the document shows the example that is tested', () => {
  const shown = /```ts\n([^]*?)```/.exec(readFileSync(join(DOCS, 'adding-a-source.md'), 'utf8'))?.[1];
  expect(shown).toBe(readFileSync(join(DOCS, 'examples', 'notes-format.ts'), 'utf8'));
});

it('the example reads notes beside other kinds, makes dead letters, and deletes what a file has no more', async () => {
  const place = newPlace();
  const log = createMemoryLog();
  const open = (): Promise<Source> => openSource(place.path('docs'), { formats: [...formats, notesFormat] });
  const ids = async (): Promise<string[]> => [...(await latestValues(log, topics.records)).keys()].sort();
  place.write('docs/a.csv', 'id,text\nc1,words of c\n');
  place.write('docs/b.notes', 'One\ntext one\n---\nTwo\ntext two\n---\nEmpty\n---\nFour\ntext four');
  place.write('docs/c.notes', Buffer.from([0x41, 0, 0x42]));
  const first = await publishRows(log, [], { source: await open() });
  expect(first).toMatchObject({ created: 4, deadLettersByReason: { NOTES_NO_TEXT: 1, NOTES_BINARY: 1 } });
  expect(await ids()).toEqual(['b.notes#1', 'b.notes#2', 'b.notes#4', 'c1']);
  place.write('docs/b.notes', 'One\ntext one');
  const next = await publishRows(log, [], { source: await open() });
  expect(next).toMatchObject({ unchanged: 2, pruned: 2, newDeadLetters: 0 });
  expect(await ids()).toEqual(['b.notes#1', 'c1']);
});
