import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { describeWithService, kafkaBrokers } from '../../services/index.ts';
import { metricsOf, outcomes, readiness, served } from './metrics-of.ts';
import { documentRow, HASHED, newPlace, numbers, until } from './runner.ts';

const ROWS = 300;

describeWithService('kafka', 'metrics of several members of a group', () => {
  it('are ready each with its partitions, and together count every record once', async () => {
    const place = newPlace();
    const namespace = `metrics-${randomUUID().slice(0, 8)}`;
    const environment = { KAFKA_BROKERS: (await kafkaBrokers()).join(','), EMBEDSTREAM_NAMESPACE: namespace };
    place.writeRows(
      'documents.csv',
      numbers(0, ROWS).map((i) => documentRow(i)),
    );
    const produced = await place.start(['produce', '--source=documents.csv', '--partitions=4'], { environment }).ended;
    expect(produced).toMatchObject({ code: 0 });

    const members = [0, 1].map(() => place.start(['process', HASHED, '--follow', '--metrics-port=0'], { environment }));
    const urls = await Promise.all(members.map(served));
    const all = <Result>(ask: (url: string) => Promise<Result>): Promise<Result[]> => Promise.all(urls.map(ask));
    const sum = (counts: readonly (number | undefined)[]): number => counts.reduce<number>((a, b = 0) => a + b, 0);
    await until(async () => (await all(readiness)).every(({ status }) => status === 200), members[0]);
    const group = `group="${namespace}.processor.hashed-384"`;
    const partitions = (url: string): Promise<number | undefined> =>
      metricsOf(url, 'open_partitions').then((each) => each[`{${group}}`]);
    await until(async () => (await all(partitions)).every((count) => count === 2), members[0]);
    const embedded = (url: string): Promise<number | undefined> =>
      outcomes(url, 'processed_records_total').then((each) => each['embedded']);
    await until(async () => sum(await all(embedded)) >= ROWS, members[0]);
    expect(sum(await all(embedded))).toBe(ROWS);
    const lags = (url: string): Promise<number[]> => metricsOf(url, 'group_lag').then(Object.values);
    await until(async () => (await all(lags)).flat().every((lag) => lag === 0), members[0]);
    expect((await all(lags)).map(({ length }) => length)).toEqual([4, 4]);

    const [leaving, staying] = members;
    leaving?.child.kill('SIGTERM');
    expect((await leaving?.ended)?.code).toBe(130);
    await until(async () => (await partitions(urls[1] ?? '')) === 4, staying);
    expect((await readiness(urls[1] ?? '')).status).toBe(200);
    staying?.child.kill('SIGTERM');
    expect((await staying?.ended)?.code).toBe(130);
  }, 120_000);
});
