import { describe, expect, it, onTestFinished } from 'vitest';
import { PipelineError } from '../../src/errors.ts';
import { createEmbeddedLog } from '../../src/log/embedded/embedded-log.ts';
import type { LogEngine } from '../../src/log/engine.ts';
import { observedRetries, type CommittedTransaction, type RetriedOperation } from '../../src/log/observer.ts';
import { readPartition } from '../../src/log/reading.ts';
import { DEFAULT_RETRY, withRetries } from '../../src/log/retry.ts';
import { runTask } from '../../src/log/runner.ts';
import { appendAll, numbered, scripted, upTo } from '../contracts/log/tasks.ts';
import { embeddedPlace } from './embedded/place.ts';

const BUSY = new PipelineError('LOG_BUSY', 'busy', { retriable: true });

/** One partition of three records; each kind of call fails once before it works. */
function stumblingEngine(retries: RetriedOperation[]): LogEngine {
  const failing = new Set(['fetch', 'commit']);
  const stumble = (call: string): void => {
    if (failing.delete(call)) throw BUSY;
  };
  return {
    observer: { retried: (retry) => retries.push(retry) },
    describe: (name) =>
      Promise.resolve({
        ...{ name, partitions: 1, cleanup: 'delete' },
        partitionInfo: [{ partition: 0, startOffset: 0, endOffset: 3 }],
      }),
    // eslint-disable-next-line @typescript-eslint/require-await -- what it throws is to be a rejection
    fetch: async ({ from, to }) => {
      stumble('fetch');
      const nextOffset = Math.min(to, 3);
      let isTaken = from >= nextOffset;
      return {
        nextOffset,
        isEmpty: () => isTaken,
        take: () => {
          isTaken = true;
          return [from].map((offset) => ({ offset, timestampMs: 0, key: null, value: null, headers: {} }));
        },
      };
    },
    acquire: () =>
      Promise.resolve({
        committed: () => undefined,
        // eslint-disable-next-line @typescript-eslint/require-await -- the same
        commit: async () => {
          stumble('commit');
        },
        assertOwner: () => Promise.resolve(),
        release: () => Promise.resolve(),
      }),
    watch: () => Promise.resolve(() => undefined),
  };
}

describe('a LogObserver', () => {
  it('is told of the retries of a run, each with its place', async () => {
    const retries: RetriedOperation[] = [];
    await runTask(stumblingEngine(retries), scripted({}), { until: 'end' }, new AbortController().signal);
    expect(retries).toEqual([
      {
        operation: 'fetch',
        place: { topic: 'in', partition: 0, offset: 0 },
        attempt: 1,
        waitMs: expect.any(Number) as number,
        error: BUSY,
      },
      {
        operation: 'commit',
        place: { topic: 'in', partition: 0, offset: 3 },
        attempt: 1,
        waitMs: expect.any(Number) as number,
        error: BUSY,
      },
    ]);
  });

  it('is told of the retries of a read', async () => {
    const retries: RetriedOperation[] = [];
    for await (const { nextOffset } of readPartition(stumblingEngine(retries), 'in', 0, 0, 3))
      expect(nextOffset).toBe(3);
    expect(retries).toMatchObject([{ operation: 'read', place: { topic: 'in', partition: 0, offset: 0 } }]);
  });

  it('is told by the embedded log who runs and what is committed', async () => {
    const place = await embeddedPlace();
    onTestFinished(() => place.dispose());
    const told: unknown[] = [];
    const log = await createEmbeddedLog({
      dataDir: place.dataDir,
      observer: {
        assigned: (group, partitions) => told.push([group, partitions]),
        committed: (transaction) => told.push(transaction),
      },
    });
    onTestFinished(() => log.close());
    await log.ensureTopics(['in', 'out'].map((name) => ({ name, partitions: 2, cleanup: 'delete' as const })));
    await appendAll(log, numbered('in', 0, 7, 1));
    const task = scripted({ process: (records) => upTo(records, numbered('out', 0, 2)) });
    await log.run(task, { until: 'end' });
    const commit: CommittedTransaction = { group: 'g', topic: 'in', partition: 1, offset: 7, outputs: 2, elapsedMs: 0 };
    expect(told).toEqual([['g', 2], { ...commit, elapsedMs: expect.any(Number) as number }]);
  });
});

describe('observedRetries', () => {
  it('costs nothing where nobody wants to know', () => {
    expect(observedRetries(undefined, 'append')).toBe(DEFAULT_RETRY);
    expect(observedRetries({}, 'append')).toBe(DEFAULT_RETRY);
  });

  it('tells of each attempt that is made again, and not of the last one', async () => {
    const attempts: number[] = [];
    const options = observedRetries({ retried: ({ attempt }) => attempts.push(attempt) }, 'append');
    const calls = withRetries(() => Promise.reject(BUSY), undefined, { ...options, maxAttempts: 3, random: () => 0 });
    await expect(calls).rejects.toBe(BUSY);
    expect(attempts).toEqual([1, 2]);
  });
});
