import { describe, expect, it } from 'vitest';
import { poisonError, PipelineError } from '../../../src/errors.ts';
import { LogLines } from '../../../src/operations/observed/log-lines.ts';
import { createLogger, type LogLevel } from '../../../src/telemetry/log.ts';

function linesAt(level: LogLevel): { lines: LogLines; written: Record<string, unknown>[]; pass: (ms: number) => void } {
  const written: Record<string, unknown>[] = [];
  let nowMs = 0;
  const logger = createLogger({
    level,
    format: 'json',
    write: (line) => {
      const { time, ...rest } = JSON.parse(line) as Record<string, unknown>;
      expect(time).toBeTypeOf('string');
      written.push(rest);
    },
  });
  const lines = new LogLines({ logger, nowMs: () => nowMs });
  return { lines, written, pass: (ms) => (nowMs += ms) };
}

const fault = poisonError('MODEL_INPUT', 'this text is poison');
const record = { stage: 'process', connector: 'g', topic: 'ns.records', partition: 3, offset: 17 };

describe('LogLines', () => {
  it('says where a record became a dead letter', () => {
    const { lines, written } = linesAt('info');
    lines.deadLetter(record, fault);
    lines.deadLetter({ stage: 'produce', connector: 'museum', line: 12 }, { code: 'DUPLICATE_ID', message: 'twice' });
    const inFile = { stage: 'produce', connector: 'docs', file: 'a.jsonl', line: 2 };
    lines.deadLetter(inFile, { code: 'JSONL_INVALID_JSON', message: 'bad' });
    expect(written).toEqual([
      {
        level: 'warn',
        msg: 'dead letter: this text is poison',
        code: 'MODEL_INPUT',
        at: 'ns.records/3@17',
        stage: 'process',
      },
      { level: 'warn', msg: 'dead letter: twice', code: 'DUPLICATE_ID', at: 'museum:12', stage: 'produce' },
      { level: 'warn', msg: 'dead letter: bad', code: 'JSONL_INVALID_JSON', at: 'docs/a.jsonl:2', stage: 'produce' },
    ]);
  });

  it('does not flood: a few a second, and how many more there were', () => {
    const { lines, written, pass } = linesAt('info');
    for (let i = 0; i < 1_000_000; i++) lines.deadLetter(record, fault);
    expect(written).toHaveLength(5);
    pass(1000);
    lines.deadLetter(record, fault);
    expect(written.slice(5).map(({ msg }) => msg)).toEqual([
      'dead letters that are not shown one by one: 999995',
      'dead letter: this text is poison',
    ]);
    for (let i = 0; i < 9; i++) lines.deadLetter(record, fault);
    lines.flush();
    lines.flush();
    expect(written.slice(11).map(({ msg }) => msg)).toEqual(['dead letters that are not shown one by one: 5']);
  });

  it('keeps reasons short and secrets out', () => {
    const { lines, written } = linesAt('info');
    const message = `can't fetch https://user:hunter2@example.org/x ${'x'.repeat(1000)}`;
    lines.deadLetter(record, { code: 'FETCH', message });
    const [line] = written;
    expect(line?.['msg']).toContain('https://[redacted]@example.org');
    expect(String(line?.['msg']).length).toBeLessThan(350);
    expect(JSON.stringify(written)).not.toContain('hunter2');
  });

  it('says at debug what was committed', () => {
    const commit = { group: 'g', topic: 'ns.records', partition: 0, offset: 512, outputs: 1024, elapsedMs: 7.4 };
    const quiet = linesAt('info');
    quiet.lines.observer.committed?.(commit);
    expect(quiet.written).toEqual([]);
    const { lines, written } = linesAt('debug');
    lines.observer.committed?.(commit);
    expect(written).toEqual([
      { level: 'debug', msg: 'committed', group: 'g', at: 'ns.records/0@512', outputs: 1024, ms: 7 },
    ]);
  });

  it('warns when a call to the log keeps failing', () => {
    const { lines, written } = linesAt('debug');
    const error = new PipelineError('LOG_BUSY', 'another process writes', { retriable: true });
    const place = { topic: 'ns.records', partition: 1, offset: 9 };
    for (const attempt of [1, 2, 3])
      lines.observer.retried?.({ operation: 'commit', place, attempt, waitMs: 100 * attempt, error });
    expect(written.map(({ level }) => level)).toEqual(['debug', 'debug', 'warn']);
    expect(written[2]).toMatchObject({ code: 'LOG_BUSY', at: 'ns.records/1@9', attempt: 3, waitMs: 300 });
  });

  it('warns of a cluster that stays away every ten seconds, not at each call', () => {
    const { lines, written, pass } = linesAt('info');
    const error = new PipelineError('LOG_BUSY', 'does not answer', { retriable: true });
    for (let attempt = 1; attempt <= 1000; attempt++) {
      lines.observer.retried?.({ operation: 'fetch', attempt, waitMs: 20, error });
      if (attempt % 100 === 0) pass(2_500);
    }
    expect(written.map(({ attempt }) => attempt)).toEqual([3, 401, 801]);
  });
});
