import { expect, it } from 'vitest';
import { documentRow, HASHED, newPlace, numbers } from './runner.ts';

it('rows that are at fault become dead letters with file, line and reason: exit 1 once, then 0', async () => {
  const place = newPlace();
  place.writeRows('documents.csv', [
    ...numbers(0, 10).map((i) => documentRow(i)),
    ['d10', 'too', 'many', 'fields'],
    ['', 'no id', 1900],
    documentRow(3, 'the id of another'),
    ['d13', 'too few'],
    ...numbers(14, 20).map((i) => documentRow(i)),
  ]);
  const embed = ['embed', '--source=documents.csv', '--sink=parquet', '--id=id', HASHED];
  const first = await place.json(...embed);
  expect(first.code).toBe(1);
  expect(first.json.mismatches).toEqual([]);
  const [produced] = first.json.produced;
  expect(produced).toMatchObject({ read: 20, published: 16, deadLettered: 4, newDeadLetters: 4 });
  const reasons = produced!['deadLettersByReason'] as Record<string, number>;
  expect(reasons).toMatchObject({ DUPLICATE_ID: 1 });
  expect(Object.values(reasons).reduce((sum, count) => sum + count, 0)).toBe(4);
  expect(Object.keys(reasons).length).toBe(3);

  const letters = await place.live('embedstream.dead-letters');
  expect([...letters.keys()]).toEqual(['documents:12', 'documents:13', 'documents:14', 'documents:15']);
  const letter = letters.get('documents:12')!;
  expect(Buffer.from(letter.value!).toString().trimEnd()).toBe('d10,too,many,fields');
  const headers = Object.values(letter.headers).map((value) => Buffer.from(value).toString());
  expect(headers.join('\n')).toMatch(/documents\.csv:12/);

  const second = await place.json(...embed);
  expect(second).toMatchObject({ code: 0, json: { produced: [{ deadLettered: 4, newDeadLetters: 0 }] } });
  expect(await place.done('status')).toMatchObject({
    deadLetters: { total: 4, byReason: { DUPLICATE_ID: 1 }, byStage: { produce: 4 } },
  });
  const text = await place.run('produce', '--source=documents.csv', '--id=id');
  expect(text.stdout).toMatch(/dead letters: .*1 DUPLICATE_ID/);
});

it('an id belongs to the source that published it first: the other source’s row is a dead letter, not lost', async () => {
  const place = newPlace();
  place.writeRows(
    'a.csv',
    numbers(0, 10).map((i) => documentRow(i)),
  );
  place.writeRows(
    'b.csv',
    numbers(7, 12).map((i) => documentRow(i, `Of b: ${i}`)),
  );
  const both = await place.json('embed', '--source=a.csv,b.csv', '--sink=parquet', HASHED);
  expect(both.code).toBe(1);
  expect(both.json.produced).toMatchObject([
    { published: 10, deadLettered: 0 },
    { published: 2, deadLettered: 3, deadLettersByReason: { ID_OF_ANOTHER_SOURCE: 3 } },
  ]);
  const [letter] = (await place.live('embedstream.dead-letters')).values();
  const headers = Object.values(letter!.headers).map((value) => Buffer.from(value).toString());
  expect(headers.join('\n')).toMatch(/b\.csv:2: the id "d7" was published by the source "a"/);

  // Pruning one source leaves the other's rows, and frees the ids.
  place.writeRows(
    'b.csv',
    numbers(7, 11).map((i) => documentRow(i, `Of b: ${i}`)),
  );
  expect((await place.done('produce', '--source=b.csv', '--prune', '--yes')).produced).toMatchObject([{ pruned: 1 }]);
  expect((await place.live('embedstream.records')).size).toBe(11);
  // What is advised works.
  const prefixed = await place.done('produce', '--source=b.csv', '--id=b-{id}', '--name=b2');
  expect(prefixed.produced).toMatchObject([{ published: 4 }]);
  expect((await place.live('embedstream.records')).get('b-d7')).toBeDefined();
});
