import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fakeVector } from '../../fakes/embedding-apis/protocol.ts';
import { KEY, startFakeApi, type FakeApi } from '../../fakes/embedding-apis/server.ts';
import { cosine } from '../../models/hosted/load.ts';
import { documentRow, newPlace, numbers, onlyJson, until, type CommandJson, type Exit, type Place } from './runner.ts';

const MODEL = '--model=openai-compatible:acme/embed';
/** 48 numbers a vector, 20 texts a request, four requests at a time. */
const SMALL = [MODEL, '--request-inputs=20', '--concurrency=4'];

let api: FakeApi;
beforeAll(async () => {
  api = await startFakeApi();
});
beforeEach(() => {
  api.requests.length = api.served.length = api.faults.length = api.violations.length = 0;
  api.judge = api.poison = undefined;
  api.delayMs = 0;
  api.headers = {};
});
afterAll(() => api.stop());

async function publish(place: Place, rows: number, text?: string): Promise<void> {
  place.writeRows(
    'docs.csv',
    numbers(0, rows).map((i) => documentRow(i, text && `${text} ${i}`)),
  );
  await place.done('produce', '--source=docs.csv');
}

async function run(place: Place, ...args: string[]): Promise<Exit & { json: CommandJson }> {
  const exit = await place.start([...args, '--json'], { environment: api.environment }).ended;
  return { ...exit, json: onlyJson(exit.stdout, exit.stderr) };
}

/** Without the two texts that are tried at the start. */
function servedDocuments(): string[] {
  return api.served.filter((text) => text.startsWith('Document'));
}

describe('process with a model behind an API', () => {
  it('embeds each record once, dead-letters what the API refuses, and says what is billed', async () => {
    const place = newPlace();
    await publish(place, 100);
    api.poison = /number 42 /;
    api.faults.push(429, 500);
    const { code, json } = await run(
      place,
      'process',
      '--model=text-embedding-3-small-256',
      '--price-per-million-tokens=2',
    );
    expect({ code, json }).toMatchObject({
      code: 1,
      json: {
        processed: [
          {
            embedded: 99,
            deadLettersByReason: { HOSTED_INPUT_REFUSED: 1 },
            usage: { rateLimited: 1, failed: 1, costUsd: expect.any(Number) as number },
          },
        ],
      },
    });
    const [{ usage, tokens } = {}] = json.processed as readonly { usage: { tokens: number }; tokens: number }[];
    // More than the records' own: the canary's.
    expect(usage?.tokens).toBeGreaterThan(tokens ?? Infinity);
    expect(servedDocuments()).toHaveLength(99);
    const again = await run(place, 'process', '--model=text-embedding-3-small-256');
    expect(again).toMatchObject({ code: 0, json: { processed: [{ embedded: 0 }] } });
    expect(servedDocuments()).toHaveLength(99);
    await place.done('sink', 'parquet', '--model=text-embedding-3-small-256', '--out=out');
    const rows = await place.rows('out', 'parquet', 'text-embedding-3-small-256');
    expect(rows).toHaveLength(99);
    const { text = '', vector } = rows[0] ?? {};
    expect(cosine([...(vector ?? [])], fakeVector({ text }, 256))).toBeGreaterThan(0.99999);
    expect(api.violations).toEqual([]);
  });

  it('pays for nothing twice but what was under way when it was killed', async () => {
    const place = newPlace();
    await publish(place, 1000);
    api.delayMs = 40;
    const killed = place.start(['process', ...SMALL], { environment: api.environment });
    await until(() => Promise.resolve(api.requests.length >= 25), killed);
    killed.child.kill('SIGKILL');
    await killed.ended;
    const before = servedDocuments().length;
    expect(before).toBeGreaterThan(300);
    expect(before).toBeLessThan(1000);
    const { code, json } = await run(place, 'process', ...SMALL);
    expect(code).toBe(0);
    const served = servedDocuments();
    expect(new Set(served).size).toBe(1000);
    // Four requests under way, and as many answers being written; 20 texts each.
    expect(served.length - 1000).toBeLessThanOrEqual(2 * 4 * 20);
    expect(json.processed[0]?.['embedded']).toBeGreaterThanOrEqual(1000 - before);
    expect((await run(place, 'reconcile', MODEL)).code).toBe(0);
  });

  it('stops where the quota ends, keeps what was embedded, and goes on from there', async () => {
    const place = newPlace();
    await publish(place, 300);
    api.judge = () =>
      servedDocuments().length >= 100
        ? { status: 429, body: '{"error":{"message":"no more","code":"insufficient_quota"}}' }
        : undefined;
    const stopped = await run(place, 'process', ...SMALL);
    expect(stopped).toMatchObject({ code: 1, json: { error: { code: 'HOSTED_QUOTA_SPENT' } } });
    const paid = servedDocuments().length;
    api.judge = undefined;
    const { code, json } = await run(place, 'process', ...SMALL);
    expect(code).toBe(0);
    // What was answered after the request that failed comes after it, and is not kept.
    expect(json.processed[0]?.['embedded']).toBeLessThanOrEqual(300 - paid + 3 * 20);
    expect(new Set(servedDocuments()).size).toBe(300);
    expect(servedDocuments().length).toBeLessThanOrEqual(300 + 3 * 20);
  });

  it('stops before it costs more than allowed, and goes on with another limit', async () => {
    const place = newPlace();
    await publish(place, 400);
    const priced = [...SMALL, '--price-per-million-tokens=1000'];
    const stopped = await run(place, 'process', ...priced, '--max-cost=2');
    expect(stopped).toMatchObject({
      code: 1,
      json: { processed: [{ ended: expect.stringContaining('--max-cost') as string }] },
    });
    const [{ embedded, usage } = { embedded: NaN, usage: { costUsd: NaN } }] = stopped.json
      .processed as unknown as readonly { embedded: number; usage: { costUsd: number } }[];
    expect(usage.costUsd).toBeLessThanOrEqual(2);
    expect(embedded).toBe(servedDocuments().length);
    expect(embedded).toBeGreaterThan(0);
    const { code } = await run(place, 'process', ...priced, '--max-cost=1000');
    expect(code).toBe(0);
    expect(servedDocuments()).toHaveLength(400);
  });

  it('ends at once at a stop, without what it would have to wait for', async () => {
    const place = newPlace();
    await publish(place, 200);
    api.judge = () => (servedDocuments().length >= 60 ? { status: 429, headers: { 'retry-after': '300' } } : undefined);
    const running = place.start(['process', ...SMALL, '--json'], { environment: api.environment });
    await until(() => Promise.resolve(servedDocuments().length >= 60), running);
    running.child.kill('SIGINT');
    const { code, stdout, stderr } = await running.ended;
    expect({ code, stderr }).toMatchObject({ code: 130 });
    const embedded = Number(onlyJson(stdout).processed[0]?.['embedded']);
    expect(embedded).toBeGreaterThan(0);
    api.judge = undefined;
    expect((await run(place, 'process', ...SMALL)).json.processed[0]?.['embedded']).toBe(200 - embedded);
    // What was answered after a request that was put off comes after it, and is not kept.
    expect(servedDocuments().length).toBeLessThanOrEqual(200 + 3 * 20);
  });

  it('finds what is missing before anything is embedded, and never shows a key', async () => {
    const place = newPlace();
    await publish(place, 3);
    const withoutKey = await place.start(['process', '--model=voyage-3.5', '--log-level=debug']).ended;
    expect(withoutKey).toMatchObject({ code: 2, stderr: expect.stringContaining('VOYAGE_API_KEY') as string });
    const secret = 'jina_0123456789abcdef';
    const environment = { ...api.environment, JINA_API_KEY: secret };
    const wrongKey = await place.start(['process', '--model=jina-embeddings-v4', '--log-level=debug'], { environment })
      .ended;
    expect(wrongKey).toMatchObject({ code: 1, stderr: expect.stringContaining('HTTP 401') as string });
    expect(wrongKey.stderr + wrongKey.stdout).not.toContain(secret);
    expect(wrongKey.stderr + wrongKey.stdout).not.toContain(KEY);
    const unknownCost = await run(place, 'process', ...SMALL, '--max-cost=1');
    expect(unknownCost).toMatchObject({ code: 2 });
    expect(unknownCost.json.error?.message).toContain('--price-per-million-tokens');
  });
});

describe("embed with a server of one's own", () => {
  it('learns the dimension from it, writes the outputs, and adds up', async () => {
    const place = newPlace();
    place.writeRows(
      'docs.csv',
      numbers(0, 30).map((i) => documentRow(i)),
    );
    const at = `--base-url=${api.url}/compatible/v1`;
    const embedded = await place.json('embed', '--source=docs.csv', MODEL, at);
    expect(embedded).toMatchObject({ code: 0, json: { reconciliation: { differences: 0 } } });
    const rows = await place.rows('data', 'parquet', 'openai-compatible-acme--embed');
    expect(rows.map(({ vector }) => vector.length)).toEqual(rows.map(() => 48));
    expect(rows).toHaveLength(30);
    expect(await place.json('embed', '--source=docs.csv', MODEL, at)).toMatchObject({
      code: 0,
      json: { processed: [{ embedded: 0 }] },
    });
    // Its query is embedded by the same server.
    for (const backend of ['log', 'parquet'])
      expect(await place.done('search', 'dragons', MODEL, at, `--backend=${backend}`)).toMatchObject({ compared: 30 });
    expect(servedDocuments()).toHaveLength(30);
  });
});

describe('--estimate', () => {
  it('counts what is left, of the log and of sources, sends nothing, needs no key and publishes nothing', async () => {
    const place = newPlace();
    await publish(place, 120);
    const flags = ['--price-per-million-tokens=1000', '--requests-per-minute=3', '--estimate'];
    const model = '--model=text-embedding-3-small-256,hashed-384';
    const before = onlyJson((await place.run('process', model, ...flags, '--json')).stdout) as unknown as Estimates;
    // "Document number 1 about dragons": 31 to 33 characters, 8 or 9 tokens.
    expect(before.estimate).toMatchObject([{ inputs: 120, requests: 1, seconds: 20 }, { inputs: 120 }]);
    const [{ tokens = NaN, costUsd = NaN } = {}] = before.estimate;
    expect(tokens).toBeGreaterThan(900);
    expect(costUsd).toBeCloseTo(tokens / 1000, 6);
    expect((await run(place, 'process', '--model=text-embedding-3-small-256')).code).toBe(0);
    place.writeRows(
      'more.csv',
      numbers(100, 150).map((i) => documentRow(i)),
    );
    const after = await place.run('embed', '--source=more.csv', model, ...flags, '--json');
    // Twenty of the rows are on the log already; all that is there is left for the other model.
    expect((onlyJson(after.stdout) as unknown as Estimates).estimate).toMatchObject([{ inputs: 30 }, { inputs: 150 }]);
    expect((await place.live('embedstream.records')).size).toBe(120);
    const text = await place.run('process', model, '--estimate');
    expect(text).toMatchObject({ code: 0, stdout: expect.stringContaining('--requests-per-minute') as string });
    expect(api.requests).toHaveLength(3);
  });
});

interface Estimates {
  readonly estimate: readonly { readonly inputs?: number; readonly tokens?: number; readonly costUsd?: number }[];
}
