import { describe, expect, it } from 'vitest';
import { formatReport, hasTrouble, reportJson, reportMismatches } from '../../src/telemetry/report.ts';
import type { ProcessReport, ProduceReport, RunReport, SinkReport } from '../../src/telemetry/report.ts';

const produced: ProduceReport = {
  source: 'objects',
  location: 'examples/objects.csv',
  read: 2000,
  published: 1500,
  unchanged: 400,
  filtered: 98,
  deadLettered: 2,
  newDeadLetters: 2,
  deadLettersByReason: { CSV_RAGGED_ROW: 2 },
  pruned: 0,
  vanished: 0,
  bytes: 1024 * 1024,
  elapsedMs: 500,
};
const processed: ProcessReport = {
  model: 'm',
  read: 1500,
  embedded: 1400,
  skipped: 90,
  superseded: 5,
  notApplicable: 2,
  deleted: 3,
  deadLettered: 0,
  tokens: 30_000,
  truncated: 1,
  reused: 300,
  deadLettersByReason: {},
  elapsedMs: 5000,
};
const sunk: SinkReport = {
  sink: 'parquet',
  model: 'm',
  out: 'data/parquet',
  embeddings: 1400,
  deletions: 0,
  shards: 4,
  bytes: 3 * 1024 * 1024,
  elapsedMs: 5000,
};
const report: RunReport = {
  produced: [produced],
  processed: [processed],
  sunk: [sunk],
  elapsedMs: 6000,
  hints: ['Try search.'],
};

describe('reportMismatches', () => {
  it('finds none when it adds up', () => {
    expect(reportMismatches(report)).toEqual([]);
  });

  it.each(['embedded', 'skipped', 'superseded', 'notApplicable', 'deleted', 'deadLettered', 'read'] as const)(
    'misses no wrong count of %s',
    (key) => {
      const wrong = { ...report, processed: [{ ...processed, [key]: processed[key] + 1 }] };
      expect(reportMismatches(wrong)).toHaveLength(1);
      expect(hasTrouble(wrong)).toBe(true);
      expect(reportJson(wrong).mismatches).toHaveLength(1);
      expect(formatReport(wrong)).toContain('error: the counts do not add up: process m: 1,50');
    },
  );

  it.each(['published', 'unchanged', 'filtered', 'deadLettered'] as const)(
    'misses no wrong count of %s in produce',
    (key) => {
      expect(reportMismatches({ ...report, produced: [{ ...produced, [key]: produced[key] + 1 }] })).toHaveLength(1);
    },
  );
});

it('new dead letters are trouble, though all adds up', () => {
  expect(hasTrouble(report)).toBe(true);
  expect(hasTrouble({ ...report, produced: [{ ...produced, newDeadLetters: 0 }] })).toBe(false);
  expect(hasTrouble({ ...report, produced: [] })).toBe(false);
});

it('the text is aligned, and leaves out what did not happen', () => {
  expect(formatReport(report)).toBe(
    `produce objects (examples/objects.csv)
  read             2,000  1.0 MiB, 500 ms, 4,000 rows/s
  published        1,500
  unchanged          400
  filtered out        98
  dead-lettered        2
  dead letters: 2 CSV_RAGGED_ROW

process m
  read             1,500  5.0 s, 300 records/s
  embedded         1,400  300 of them once more for an equal content
  skipped             90
  superseded           5
  not applicable       2
  deleted              3
  tokens          30,000  5.0 s, 6,000 tokens/s
  truncated            1

sink parquet (m)
  embeddings       1,400  5.0 s, 280 embeddings/s
  shards               4  3.0 MiB
  in data/parquet

Finished in 6.0 s.

Try search.
`,
  );
});
