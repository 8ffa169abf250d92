import { describe, expect, it } from 'vitest';
import { PipelineError } from '../../src/errors.ts';
import type { FetchedRecords, FetchRequest, GroupLease, InputOffset, LogEngine } from '../../src/log/engine.ts';
import type { LogRecord, RunOptions, TopicInfo } from '../../src/log/port.ts';
import { runTask } from '../../src/log/runner.ts';
import { failureOf, gate, scripted, upTo } from '../contracts/log/tasks.ts';

const RECORD_BYTES = 1_000;
const PASSING = new PipelineError('LOG_BUSY', 'busy', { retriable: true });

/** An engine that counts the bytes it has handed out and that were not taken yet, and fails when told. */
class CountingEngine implements LogEngine {
  readonly commits: InputOffset[] = [];
  heldBytes = 0;
  mostHeldBytes = 0;
  failingFetches = 0;
  failingCommits = 0;
  fatal: Error | undefined;
  released = 0;
  /** Where the log says that a partition ends, when that is not where its records do. */
  reportedEnd: number | undefined;
  onFetch: (request: FetchRequest) => void = () => undefined;
  readonly #partitions: number;
  readonly #records: number;

  constructor(partitions: number, records: number) {
    this.#partitions = partitions;
    this.#records = records;
  }

  describe(name: string): Promise<TopicInfo> {
    const partitionInfo = Array.from({ length: this.#partitions }, (_, partition) => ({
      partition,
      startOffset: 0,
      endOffset: this.reportedEnd ?? this.#records,
    }));
    return Promise.resolve({ name, partitions: this.#partitions, cleanup: 'compact', partitionInfo });
  }

  fetch(request: FetchRequest): Promise<FetchedRecords> {
    if (this.failingFetches-- > 0) return Promise.reject(PASSING);
    const { from, to, maxBytes } = request;
    const nextOffset = Math.min(to, this.#records, from + Math.max(1, Math.floor(maxBytes / RECORD_BYTES)));
    let at = from;
    this.heldBytes += (nextOffset - from) * RECORD_BYTES;
    this.mostHeldBytes = Math.max(this.mostHeldBytes, this.heldBytes);
    this.onFetch(request);
    return Promise.resolve({
      nextOffset,
      isEmpty: () => at >= nextOffset,
      take: (maxRecords) => {
        const records: LogRecord[] = [];
        for (; at < nextOffset && records.length < maxRecords; at++) {
          records.push({ offset: at, timestampMs: 0, key: null, value: new Uint8Array(RECORD_BYTES), headers: {} });
        }
        return records;
      },
    });
  }

  acquire(): Promise<GroupLease> {
    return Promise.resolve({
      committed: () => undefined,
      commit: (_, input) => {
        if (this.failingCommits-- > 0) return Promise.reject(PASSING);
        if (this.fatal !== undefined) return Promise.reject(this.fatal);
        this.commits.push(input);
        return Promise.resolve();
      },
      assertOwner: () => Promise.resolve(),
      release: () => {
        this.released++;
        return Promise.resolve();
      },
    });
  }

  watch(): Promise<() => void> {
    return Promise.resolve(() => undefined);
  }
}

function run(engine: LogEngine, task: Parameters<typeof scripted>[0], options: RunOptions = {}): Promise<void> {
  return runTask(engine, scripted(task), { until: 'end', ...options }, new AbortController().signal);
}

describe('runTask', () => {
  it('holds no more than one batch in hand and one ahead, in bytes, however slow the task is', async () => {
    const engine = new CountingEngine(1, 500);
    await run(
      engine,
      {
        process: async (records) => {
          // Whatever would be fetched ahead is here by now.
          for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
          engine.heldBytes -= records.length * RECORD_BYTES;
          return upTo(records);
        },
      },
      { maxBatchBytes: 20 * RECORD_BYTES, maxBatchRecords: 8 },
    );
    expect(engine.mostHeldBytes).toBeGreaterThan(20 * RECORD_BYTES);
    expect(engine.mostHeldBytes).toBeLessThanOrEqual(2 * 20 * RECORD_BYTES);
  });

  it('shares its bytes among the partitions of a run', async () => {
    const kilobyte = 1024;
    const engine = new CountingEngine(4, 3_000);
    const sizes = new Set<number>();
    engine.onFetch = ({ maxBytes }) => sizes.add(maxBytes);
    await run(engine, {}, { maxBatchBytes: 8_000 * kilobyte });
    await run(engine, {}, { maxBatchBytes: 128 * kilobyte });
    await run(engine, {}, { maxBatchBytes: 1_000 });
    expect([...sizes]).toEqual([2_000 * kilobyte, 64 * kilobyte, 1_000]);
  });

  it('hands over nothing past an end that is found while records beyond it are here already', async () => {
    const engine = new CountingEngine(1, 100);
    const until = gate();
    let seen = 0;
    const script = {
      process: async (records: readonly LogRecord[]) => {
        seen += records.length;
        engine.reportedEnd = 12;
        until.open();
        for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
        return upTo(records);
      },
    };
    await run(engine, script, { until: until.opened, maxBatchRecords: 8 });
    expect(seen).toBe(12);
    expect(engine.commits.at(-1)?.offset).toBe(12);
  });

  it('tries faults of the log that pass again, and neither loses nor repeats a commit', async () => {
    const engine = new CountingEngine(1, 30);
    engine.failingFetches = 2;
    engine.failingCommits = 2;
    await run(engine, {}, { maxBatchRecords: 10 });
    expect(engine.commits.map(({ offset }) => offset)).toEqual([10, 20, 30]);
    expect(engine.released).toBe(1);
  });

  it('rejects with the first error, closes every partition as failed, and commits nothing later', async () => {
    const engine = new CountingEngine(3, 30);
    const closed: string[] = [];
    const boom = new Error('boom');
    const othersBegan = gate();
    let began = 0;
    const error = await failureOf(
      run(
        engine,
        {
          process: async (records, { partition, signal }) => {
            if (++began === 3) othersBegan.open();
            await othersBegan.opened;
            if (partition === 1) throw boom;
            await new Promise((resolve) => {
              signal.addEventListener('abort', resolve);
            });
            return upTo(records);
          },
          close: (reason) => closed.push(reason),
        },
        { maxBatchRecords: 10 },
      ),
    );
    expect(error).toBe(boom);
    expect(closed).toEqual(['failed', 'failed', 'failed']);
    expect([engine.commits, engine.released]).toEqual([[], 1]);
  });

  it('ends with the error of a transaction, and does not begin another', async () => {
    const engine = new CountingEngine(1, 30);
    engine.fatal = new PipelineError('LOG_FENCED', 'fenced', { retriable: false });
    let committed = 0;
    const script = {
      committed: () => {
        committed++;
      },
    };
    expect(await failureOf(run(engine, script, { maxBatchRecords: 10 }))).toBe(engine.fatal);
    expect(committed).toBe(0);
  });

  it('closes what was opened when another partition can not be', async () => {
    const engine = new CountingEngine(2, 30);
    const closed: string[] = [];
    const script = {
      open: async ({ partition }: { partition: number }) => {
        await Promise.resolve();
        if (partition === 0) throw new Error('no state');
      },
      close: (reason: string) => closed.push(reason),
    };
    await expect(run(engine, script)).rejects.toThrow('no state');
    expect(closed).toEqual(['failed']);
    expect(engine.released).toBe(1);
  });

  it('does not begin when it is stopped already', async () => {
    const engine = new CountingEngine(1, 30);
    const open = (): never => {
      throw new Error('opened');
    };
    await run(engine, { open }, { signal: AbortSignal.abort() });
    expect(engine.released).toBe(0);
  });
});
