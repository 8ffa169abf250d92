import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithService } from '../../services/index.ts';
import { TestDatabase } from '../../services/postgres/test-database.ts';
import { HASHED, newPlace } from './runner.ts';

const SECRET = 'geheim-4f1b';

describeWithService('postgres', 'produce from Postgres', () => {
  let database: TestDatabase;
  let url: string;
  beforeAll(async () => {
    database = await TestDatabase.create();
    url = database.url.replace('postgres@', `postgres:${SECRET}@`);
    await database.sql(`create table assets as
      select n as id, 'chair ' || n as title, case when n % 2 = 0 then 'X' else 'Y' end as client
      from generate_series(1, 30) n; alter table assets add primary key (id)`);
  }, 240_000);
  afterAll(() => database.drop());

  it('embeds a table part by part, and never shows the password', async () => {
    const place = newPlace();
    const flags = ['--source=env:DATABASE_URL', '--table=assets', '--where=client=X', '--limit=10', HASHED, '--json'];
    const outputs: string[] = [];
    const published: unknown[] = [];
    for (let run = 0; run < 3; run++) {
      const running = place.start(['embed', ...flags], { environment: { DATABASE_URL: url } });
      const { code, stdout, stderr } = await running.ended;
      expect(code, stderr).toBe(0);
      outputs.push(stdout, stderr);
      published.push((JSON.parse(stdout) as { produced: { published: number }[] }).produced[0]?.published);
    }
    expect(published).toEqual([10, 5, 0]);
    expect((await place.run('reconcile')).code).toBe(0);
    const shown = await place.run('produce', `--source=${url}`, '--table=assets', '--dry-run');
    expect(shown.stdout).toContain('unchanged, would be skipped');
    outputs.push(shown.stdout, shown.stderr, (await place.run('status', '--json')).stdout);
    for (const faulty of [['--table=asets'], ['--query=selec'], []]) {
      const refused = await place.run('produce', `--source=${url}`, ...faulty);
      expect(refused.code).toBe(2);
      outputs.push(refused.stdout, refused.stderr);
    }
    const away = url.replace(/:\d+\//, ':1/');
    const gone = await place.run('produce', `--source=${away}`, '--table=assets');
    expect(gone).toMatchObject({ code: 1, stderr: expect.stringContaining("can't be reached") as string });
    outputs.push(gone.stderr);
    expect(outputs.join('\n')).not.toContain(SECRET);
    const topics = await place.withLog(async (log) => (await log.topics()).map(({ name }) => name));
    expect(topics.join('\n')).not.toContain(SECRET);
  }, 60_000);

  it.each<[string, string[], RegExp]>([
    ['a variable that is not set', ['--source=env:NOWHERE_URL', '--table=a'], /NOWHERE_URL is not set/],
    ['a table of a file', ['--source=rows.csv', '--table=a'], /--table is for a database/],
    ['a query and a table', ['--source=postgres://', '--table=a', '--query=b'], /give one of them/],
  ])('refuses %s', async (_, flags, message) => {
    const { code, stderr } = await newPlace().run('produce', ...flags);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});
