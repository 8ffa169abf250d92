import { expect, it } from 'vitest';
import { documentRow, HASHED, newPlace, numbers, until } from './runner.ts';

it('status --watch shows members, lag and rates again and again until Ctrl-C', async () => {
  const place = newPlace();
  place.writeRows(
    'documents.csv',
    numbers(0, 9).map((i) => documentRow(i)),
  );
  await place.done('produce', '--source=documents.csv', '--partitions=2');
  const processing = place.start(['process', '--follow', HASHED]);
  const watching = place.start(['status', '--watch', '--interval=0.2']);
  let drawn = '';
  watching.child.stdout!.on('data', (text: string) => {
    drawn += text;
  });
  await until(() => Promise.resolve(/pid \d+ on .*\n +has embedstream\.records 0-1\n/.test(drawn)), watching);
  await until(() => Promise.resolve(drawn.split('offsets  partitions').length > 4), watching);
  expect(Math.max(...drawn.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  // A plain look measures, too, and then ends.
  const status = await place.done('status', '--interval=0.1');
  expect(status).toMatchObject({
    groups: [
      { group: 'embedstream.processor.hashed-384', members: [{}], recordsPerSecond: expect.any(Number) as number },
    ],
  });
  watching.child.kill('SIGINT');
  expect((await watching.ended).code).toBe(130);
  processing.child.kill('SIGINT');
  await processing.ended;
  expect(await place.run('status', '--watch', '--json')).toMatchObject({ code: 2 });
});
