import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FetchedRecords, FetchRequest } from '../../src/log/engine.ts';
import { createMemoryLog } from '../../src/log/memory/memory-log.ts';
import type { LogRecord, PartitionTask, Task } from '../../src/log/port.ts';
import { SharedReads } from '../../src/log/shared-reads.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

function recordAt(offset: number): LogRecord {
  return { offset, timestampMs: 0, key: bytes('key'), value: bytes('0123456'), headers: {} };
}

/** A partition with a record at every offset but multiples of seven, in fetches of `chunk` offsets. */
class Partition {
  readonly fetches: number[] = [];
  decoded = 0;
  readonly #end: number;
  readonly #chunk: number;

  constructor(end: number, chunk: number) {
    this.#end = end;
    this.#chunk = chunk;
  }

  readonly fetch = async ({ from, to }: FetchRequest): Promise<FetchedRecords> => {
    this.fetches.push(from);
    await Promise.resolve();
    const nextOffset = Math.min(from + this.#chunk, to, this.#end);
    const left = Array.from({ length: nextOffset - from }, (_, i) => from + i).filter((offset) => offset % 7 !== 0);
    return {
      nextOffset,
      isEmpty: () => left.length === 0,
      take: (most) => {
        const taken = left.splice(0, most);
        this.decoded += taken.length;
        return taken.map(recordAt);
      },
    };
  };
}

/** Reads the next fetch; the offsets it gave, and where to go on. */
async function readOnce(
  reader: Pick<Partition, 'fetch'>,
  from: number,
  to: number,
  most = 3,
): Promise<[offsets: number[], next: number]> {
  const fetched = await reader.fetch({ topic: 't', partition: 0, from, to, maxBytes: 100 });
  const offsets: number[] = [];
  while (!fetched.isEmpty()) for (const { offset } of fetched.take(most)) offsets.push(offset);
  return [offsets, fetched.nextOffset];
}

const expected = (from: number, to: number) =>
  Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i).filter((offset) => offset % 7 !== 0);

describe('shared reads', () => {
  it('gives each reader every record once and in order, from wherever it begins, to wherever it ends', async () => {
    const readers = fc.array(fc.record({ from: fc.nat(40), to: fc.nat(60), most: fc.integer({ min: 1, max: 9 }) }), {
      minLength: 1,
      maxLength: 4,
    });
    const steps = fc.array(fc.nat(3), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(
        readers,
        steps,
        fc.integer({ min: 1, max: 12 }),
        fc.nat(400),
        async (wishes, order, chunk, room) => {
          const partition = new Partition(50, chunk);
          const shared = new SharedReads(room);
          const runs = wishes.map((wish) => ({
            ...wish,
            at: wish.from,
            got: [] as number[],
            reader: shared.join(partition, 't', 0),
          }));
          const step = async (run: (typeof runs)[number]) => {
            const [offsets, next] = await readOnce(run.reader, run.at, run.to, run.most);
            run.got.push(...offsets);
            run.at = Math.max(run.at, next);
          };
          for (const index of order) {
            const run = runs[index % runs.length]!;
            if (run.at < Math.min(run.to, 50)) await step(run);
          }
          await Promise.all(
            runs.map(async (run) => {
              while (run.at < Math.min(run.to, 50)) await step(run);
              run.reader.leave();
            }),
          );
          for (const { from, to, got } of runs) expect(got).toEqual(expected(from, Math.min(to, 50)));
          expect(shared.bytes).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('fetches and decodes once what three want at the same time', async () => {
    const partition = new Partition(40, 10);
    const shared = new SharedReads();
    const readers = Array.from({ length: 3 }, () => shared.join(partition, 't', 0));
    const all = await Promise.all(
      readers.map(async (reader) => {
        const got: number[] = [];
        for (let at = 0; at < 40;) {
          const [offsets, next] = await readOnce(reader, at, Infinity);
          got.push(...offsets);
          at = next;
        }
        return got;
      }),
    );
    for (const got of all) expect(got).toEqual(expected(0, 40));
    expect(partition.fetches).toEqual([0, 10, 20, 30]);
    expect(partition.decoded).toBe(expected(0, 40).length);
  });

  it('keeps no more than it may, and lets who is behind read for itself', async () => {
    const partition = new Partition(100, 10);
    const shared = new SharedReads(150);
    const [fast, slow] = [shared.join(partition, 't', 0), shared.join(partition, 't', 0)];
    for (let at = 0; at < 100; at += 10) await readOnce(fast, at, Infinity);
    // Records of ten bytes each, in chunks of eight or nine: the second was the last there was room for.
    expect(shared.bytes).toBeLessThan(150 + 100);
    for (let at = 0; at < 100; at += 10) await readOnce(slow, at, Infinity);
    expect(partition.fetches.length).toBe(10 + 8);
    slow.leave();
    fast.leave();
    expect(shared.bytes).toBe(0);
  });

  it('keeps nothing for a reader that has left', async () => {
    const partition = new Partition(100, 10);
    const shared = new SharedReads();
    const [fast, slow] = [shared.join(partition, 't', 0), shared.join(partition, 't', 0)];
    await readOnce(fast, 0, Infinity);
    expect(shared.bytes).toBeGreaterThan(0);
    slow.leave();
    await readOnce(fast, 10, Infinity);
    expect(shared.bytes).toBe(0);
  });

  it('lets the others ask for themselves when a fetch fails or its reader is told to stop', async () => {
    const shared = new SharedReads();
    const outcomes = [
      Promise.reject(new Error('no')),
      Promise.resolve({ nextOffset: 0, isEmpty: () => true, take: () => [] }),
    ];
    outcomes[0]?.catch(() => undefined);
    const partition = new Partition(10, 10);
    const broken = { fetch: (request: FetchRequest) => outcomes.shift() ?? partition.fetch(request) };
    const readers = Array.from({ length: 3 }, () => shared.join(broken, 't', 0));
    const results = await Promise.allSettled(readers.map((reader) => readOnce(reader, 0, Infinity)));
    expect(results[0]).toMatchObject({ status: 'rejected' });
    expect(results[1]).toMatchObject({ status: 'fulfilled', value: [[], 0] });
    expect(results[2]).toMatchObject({ status: 'fulfilled', value: [expected(0, 10), 10] });
  });
});

it('runs of several groups on one log fetch each record once, and each commits its own', async () => {
  const log = createMemoryLog();
  await log.ensureTopics([{ name: 'records', partitions: 2, cleanup: 'compact' }]);
  const producer = await log.producer('test');
  await producer.append(
    Array.from({ length: 500 }, (_, i) => ({
      topic: 'records',
      partition: i % 2,
      key: bytes(`k${i}`),
      value: bytes(`v${i}`),
    })),
  );
  const fetch = (log as unknown as { fetch: (request: FetchRequest) => Promise<FetchedRecords> }).fetch.bind(log);
  let taken = 0;
  Object.assign(log, {
    fetch: async (request: FetchRequest): Promise<FetchedRecords> => {
      const fetched = await fetch(request);
      return {
        nextOffset: fetched.nextOffset,
        isEmpty: () => fetched.isEmpty(),
        take: (most) => {
          const records = fetched.take(most);
          taken += records.length;
          return records;
        },
      };
    },
  });
  const sharedReads = {};
  const groups = ['a', 'b', 'c'];
  const seen = await Promise.all(
    groups.map(async (group) => {
      const keys: string[] = [];
      const open = (): Promise<PartitionTask> =>
        Promise.resolve({
          process: (records) => {
            for (const { key } of records) keys.push(Buffer.from(key ?? []).toString());
            if (group === 'c') return Promise.reject(new Error('one of them fails'));
            return Promise.resolve({ outputs: [], offset: (records.at(-1)?.offset ?? 0) + 1 });
          },
          idle: () => Promise.resolve({ outputs: [] }),
          close: () => Promise.resolve(),
        });
      const task: Task = { group, inputs: ['records'], open };
      await log
        .run(task, { until: 'end', maxBatchRecords: 10, maxBatchBytes: 1000, sharedReads })
        .catch(() => undefined);
      return new Set(keys).size;
    }),
  );
  expect(seen.slice(0, 2)).toEqual([500, 500]);
  expect(taken).toBeGreaterThanOrEqual(500);
  expect(taken).toBeLessThan(600);
  const committed = new Map(
    (await log.groups()).map((each) => [each.group, each.committed.map(({ offset }) => offset)]),
  );
  expect(committed.get('a')).toEqual([250, 250]);
  expect(committed.get('b')).toEqual([250, 250]);
  expect(committed.get('c')).toEqual([]);
  await log.close();
});
