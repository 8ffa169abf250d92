import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { pythonEnvironment, runPython, type PythonEnvironment } from '../../python/environment.ts';
import { metricsOf, outcomes, readiness, served } from './metrics-of.ts';
import { documentRow, HASHED, newPlace, numbers, onlyJson, TINY_BERT, until } from './runner.ts';
import type { Place } from './runner.ts';

const GROUP = 'embedstream.processor.hashed-384';

let environment: PythonEnvironment;
beforeAll(async () => {
  environment = await pythonEnvironment();
});

async function publish(place: Place, count: number): Promise<void> {
  place.writeRows(
    'documents.csv',
    numbers(0, count).map((i) => documentRow(i)),
  );
  await place.done('produce', '--source=documents.csv', '--partitions=2');
}

describe('--metrics-port', () => {
  it('counts what a process that follows does, until it is stopped', async () => {
    const place = newPlace();
    await publish(place, 30);
    const running = place.start(['process', HASHED, '--follow', '--metrics-port=0', '--json']);
    const url = await served(running);
    await until(async () => (await readiness(url)).status === 200, running);
    await until(async () => (await outcomes(url, 'processed_records_total'))['embedded'] === 30, running);
    await publish(place, 40);
    await until(async () => (await outcomes(url, 'processed_records_total'))['embedded'] === 40, running);
    expect(await metricsOf(url, 'queue_records')).toEqual({ [`{group="${GROUP}",topic="embedstream.records"}`]: 0 });
    expect(await metricsOf(url, 'open_partitions')).toEqual({ [`{group="${GROUP}"}`]: 2 });
    const commits = (await metricsOf(url, 'transaction_commit_seconds_count'))[`{group="${GROUP}"}`];
    expect(commits).toBeGreaterThanOrEqual(2);
    const tokens = await metricsOf(url, 'model_tokens_total');
    const topic = 'topic="embedstream.records"';
    await until(async () => {
      const lag = await metricsOf(url, 'group_lag');
      return [0, 1].every((partition) => lag[`{group="${GROUP}",partition="${partition}",${topic}}`] === 0);
    }, running);
    running.child.kill('SIGTERM');
    const { code, stdout } = await running.ended;
    expect(code).toBe(130);
    const [report] = onlyJson(stdout).processed;
    expect(report).toMatchObject({ read: 40, embedded: 40 });
    expect(tokens).toEqual({ '{model="hashed-384"}': report?.['tokens'] });
    await expect(fetch(`${url}/health/live`)).rejects.toThrow();
  });

  it('is ready once the model is loaded and the partitions are open, and not once a stop has begun', async () => {
    const place = newPlace();
    const words = 'bronze vessel with a dragon and handles in the form of birds '.repeat(12);
    place.writeRows(
      'documents.csv',
      numbers(0, 4000).map((i) => [`d${i}`, `${i} ${words}`, 1900]),
    );
    const running = place.start([
      ...['embed', '--source=documents.csv', '--sink=parquet', `--model=${TINY_BERT}`, '--workers=1'],
      ...['--metrics-port=0', '--json'],
    ]);
    const url = await served(running);
    const seen: string[] = [];
    await until(async () => {
      const { status, reasons = [] } = await readiness(url);
      seen.push(...reasons);
      return status === 200;
    }, running);
    expect(seen).toContain('the work has not begun yet');
    expect((await metricsOf(url, 'model_load_seconds'))['{model="tiny-bert"}']).toBeGreaterThan(0);
    expect(Object.values(await metricsOf(url, 'source_rows_total')).some((count) => count > 0)).toBe(true);
    await until(async () => Object.values(await metricsOf(url, 'model_batches_total')).some(Boolean), running);
    running.child.kill('SIGTERM');
    let last: Awaited<ReturnType<typeof readiness>> | undefined;
    await until(async () => {
      last = await readiness(url);
      return last.status === 503;
    }, running);
    expect(last?.reasons).toEqual(['stopping: what is in flight is finished and committed']);
    expect((await running.ended).code).toBe(130);
  });

  it('counts what a sink that follows has written', async () => {
    const place = newPlace();
    await publish(place, 25);
    await place.done('process', HASHED);
    const running = place.start(['sink', 'npy', HASHED, '--shard-rows=5', '--follow', '--metrics-port=0', '--json']);
    const url = await served(running);
    const rows = '{kind="embedding",sink="npy-hashed-384"}';
    await until(async () => ((await metricsOf(url, 'sink_rows_total'))[rows] ?? 0) >= 5, running);
    running.child.kill('SIGINT');
    const { code, stdout } = await running.ended;
    expect(code).toBe(130);
    expect(onlyJson(stdout).sunk).toMatchObject([{ embeddings: 25 }]);
  });

  it('reads as Prometheus reads it, with no id, file name or message among the labels', async ({ skip }) => {
    if ('missing' in environment) return skip(environment.missing);
    const place = newPlace();
    place.write('rows.csv', 'id,text\nsecret-id,one\nb,two\nsecret-id,three\n');
    await place.run('produce', '--source=rows.csv');
    const running = place.start(['process', HASHED, '--follow', '--metrics-port=0']);
    const url = await served(running);
    await until(async () => (await outcomes(url, 'processed_records_total'))['embedded'] === 2, running);
    const { contentType, families } = (await runPython(environment.python, 'read_metrics.py', [`${url}/metrics`])) as {
      contentType: string;
      families: Record<string, { type: string; help: string; samples: [string, Record<string, string>, number][] }>;
    };
    expect(contentType).toMatch(/^text\/plain; version=0\.0\.4/);
    const ours = Object.entries(families).filter(([name]) => name.startsWith('embedstream_'));
    expect(ours.length).toBeGreaterThan(20);
    for (const [name, { type, help }] of ours) {
      expect(help, name).toMatch(/\.$/);
      expect(type, name).toMatch(/^(counter|gauge|histogram)$/);
      // Base units, as Prometheus wants them.
      expect(name).not.toMatch(/(?:_ms|milliseconds|_kib|_mib)/);
    }
    expect(families['embedstream_processed_records']?.samples).toContainEqual([
      ...['embedstream_processed_records_total', { model: 'hashed-384', outcome: 'embedded' }, 2],
    ]);
    const labels = ours.flatMap(([, { samples }]) => samples.flatMap(([, each]) => Object.values(each)));
    expect(labels.filter((label) => /secret-id|rows\.csv|\s/.test(label))).toEqual([]);
    running.child.kill('SIGTERM');
    expect((await running.ended).code).toBe(130);
  });

  it('refuses a port in use as wrong usage, and names it', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => {
      taken.listen(0, '127.0.0.1', resolve);
    });
    onTestFinished(() => {
      taken.close();
    });
    const { port } = taken.address() as AddressInfo;
    const { code, stderr } = await newPlace().run('process', HASHED, `--metrics-port=${port}`);
    expect(code).toBe(2);
    expect(stderr).toMatch(new RegExp(`--metrics-port=${port} on 127\\.0\\.0\\.1: the port is in use`));
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it('ends a bounded command as without it, though somebody stays connected', async () => {
    const place = newPlace();
    place.writeRows(
      'documents.csv',
      numbers(0, 2000).map((i) => documentRow(i)),
    );
    const running = place.start(['produce', '--source=documents.csv', '--metrics-port=0', '--json']);
    const url = await served(running);
    // fetch keeps the connection alive.
    await fetch(`${url}/health/live`).catch(() => undefined);
    const { code, stdout } = await running.ended;
    expect(code).toBe(0);
    expect(onlyJson(stdout).produced).toMatchObject([{ published: 2000 }]);
  });
});

describe('log lines', () => {
  it('say where each dead letter and each commit is, but a few dead letters only', async () => {
    const place = newPlace();
    const rows = numbers(0, 200).map((i) => documentRow(i));
    place.writeRows('documents.csv', [...rows, ...rows]);
    const produced = await place.json('produce', '--source=documents.csv');
    const lines = produced.stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const letters = lines.filter(({ msg }) => String(msg).startsWith('dead letter: '));
    expect(letters.length).toBeGreaterThanOrEqual(5);
    expect(letters.length).toBeLessThan(100);
    expect(letters[0]).toMatchObject({ level: 'warn', code: 'DUPLICATE_ID', at: 'documents:202', stage: 'produce' });
    const omitted = lines.flatMap(
      ({ msg }) => /^dead letters that are not shown one by one: (\d+)$/.exec(String(msg))?.[1] ?? [],
    );
    expect(omitted.reduce((total, count) => total + Number(count), letters.length)).toBe(200);

    const { stderr } = await place.json('process', HASHED, '--log-level=debug');
    expect(stderr).toContain(`"group":"${GROUP}","at":"embedstream.records/0@200","outputs":400,`);
  });
});
