import { expect, it } from 'vitest';
import { documentRow, newPlace, numbers, onlyJson } from './runner.ts';

it('flags win over the environment, the environment over the file', async () => {
  const place = newPlace();
  place.writeRows(
    'documents.csv',
    numbers(0, 20).map((i) => documentRow(i)),
  );
  const config = { dataDir: 'log-of-file', namespace: 'museum', produce: { limit: 3, source: ['documents.csv'] } };
  place.write('embedstream.config.json', JSON.stringify(config));
  const publish = async (args: string[], environment: Record<string, string>): Promise<unknown> => {
    const { code, stdout, stderr } = await place.start(['produce', '--json', ...args], { environment }).ended;
    expect({ code, stderr }).toMatchObject({ code: 0 });
    return onlyJson(stdout).produced[0]!['published'];
  };
  expect(await publish([], {})).toBe(3);
  expect(await publish([], { EMBEDSTREAM_LIMIT: '4' })).toBe(4);
  expect(await publish(['--limit=5'], { EMBEDSTREAM_LIMIT: '4' })).toBe(5);
  expect(await publish(['--data-dir=log-of-flag'], {})).toBe(3);
  const { topics } = await place.done('status');
  expect(topics).toContainEqual(expect.objectContaining({ topic: 'museum.records', records: 12 }));
  expect(place.files()).toEqual(expect.arrayContaining(['log-of-file', 'log-of-flag']));
  expect(place.files()).not.toContain('.embedstream');
});

it('lists everything that is wrong with flags, environment and file together', async () => {
  const place = newPlace();
  place.write('embedstream.config.json', JSON.stringify({ nmespace: 'x', produce: { limit: 'many' } }));
  const { code, stderr } = await place.start(['produce', '--sorce=documents.csv'], {
    environment: { EMBEDSTREAM_PARTITIONS: '0' },
  }).ended;
  expect(code).toBe(2);
  for (const fault of [/--sorce .*--source/, /EMBEDSTREAM_PARTITIONS/, /produce\.limit/, /nmespace.*namespace/])
    expect(stderr).toMatch(fault);
  expect(stderr).toMatch(/\d things are wrong/);
});
