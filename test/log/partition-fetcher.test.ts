import { describe, expect, it, vi } from 'vitest';
import { PartitionFetcher } from '../../src/log/partition-fetcher.ts';
import type { FetchedRecords } from '../../src/log/engine.ts';
import type { LogRecord } from '../../src/log/port.ts';

function records(from: number, to: number): LogRecord[] {
  return Array.from({ length: to - from }, (_, i) => {
    return { offset: from + i, timestampMs: 0, key: null, value: new Uint8Array(1), headers: {} };
  });
}

class Fetched implements FetchedRecords {
  readonly nextOffset: number;
  readonly release = vi.fn();
  readonly #left: LogRecord[];

  constructor(from: number, to: number) {
    this.#left = records(from, to);
    this.nextOffset = to;
  }

  isEmpty(): boolean {
    return this.#left.length === 0;
  }

  take(maxRecords: number): readonly LogRecord[] {
    return this.#left.splice(0, maxRecords);
  }
}

/** Takes all of two fetches of four records, three at a time; says at each take what has been released before it. */
async function releasesAt(transient: boolean): Promise<string[]> {
  const fetches = [new Fetched(0, 4), new Fetched(4, 8)];
  const answers = [...fetches];
  let wake = Promise.withResolvers<undefined>();
  const fetcher = new PartitionFetcher(
    { fetch: () => Promise.resolve(answers.shift() ?? new Fetched(8, 8)) },
    {
      ...{ topic: 't', partition: 0, from: 0, limit: 8, maxBytes: () => 1024, maxRecords: 3, transient },
      signal: new AbortController().signal,
      onChange: () => {
        wake.resolve(undefined);
      },
    },
  );
  const seen: string[] = [];
  while (!fetcher.atLimit) {
    wake = Promise.withResolvers();
    const taken = fetcher.take();
    if (taken === undefined) {
      await wake.promise;
      continue;
    }
    const released = fetches.filter(({ release }) => release.mock.calls.length > 0).length;
    seen.push(`${taken.map(({ offset }) => offset).join()} after ${released} released`);
  }
  return seen;
}

describe('PartitionFetcher', () => {
  it('gives a fetch back when the records behind it are taken, where they are transient', async () => {
    expect(await releasesAt(true)).toEqual([
      '0,1,2 after 0 released',
      '3 after 0 released',
      '4,5,6 after 1 released',
      '7 after 1 released',
    ]);
  });

  it('leaves it to whoever keeps records otherwise', async () => {
    expect((await releasesAt(false)).every((each) => each.endsWith('after 0 released'))).toBe(true);
  });
});
