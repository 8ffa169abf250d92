import { describe, expect, it } from 'vitest';
import { Progress, completion, describeStage, timeLeftMs } from '../../src/telemetry/progress.ts';
import type { ProgressMode, StageSnapshot } from '../../src/telemetry/progress.ts';
import { RateMeter } from '../../src/telemetry/rate.ts';
import { StatusArea } from '../../src/telemetry/status-area.ts';

const snapshot = (more: Partial<StageSnapshot>): StageSnapshot => ({
  unit: 'rows',
  done: 0,
  total: undefined,
  perSecond: undefined,
  elapsedMs: 1000,
  isFinished: false,
  ...more,
});

describe('describeStage', () => {
  it.each([
    [{}, '0 rows'],
    [{ done: 1200, total: 2000, perSecond: 400 }, '1,200 of 2,000 rows (60%), 400 rows/s, 2.0 s left'],
    [{ done: 1999, total: 2000, perSecond: 0 }, '1,999 of 2,000 rows (99%), 0 rows/s'],
    [{ done: 50, perSecond: 12.5 }, '50 rows, 12.5 rows/s'],
    [{ done: 60, total: 50, perSecond: 5 }, '60 rows, 5 rows/s'],
    [{ unit: 'bytes', done: 1024, total: 4096, perSecond: 1024 }, '1.0 KiB of 4.0 KiB (25%), 1.0 KiB/s, 3.0 s left'],
    [{ done: 50, total: 50, perSecond: 1, elapsedMs: 5000, isFinished: true }, '50 rows, 10 rows/s, done in 5.0 s'],
    [{ done: 10, total: 50, elapsedMs: 5000, isFinished: true }, '10 of 50 rows (20%), 2 rows/s, done in 5.0 s'],
    [{ total: 0, isFinished: true, elapsedMs: 0 }, '0 rows, done in 0 ms'],
  ] as [Partial<StageSnapshot>, string][])('%j', (more, text) => {
    expect(describeStage(snapshot(more))).toBe(text);
  });
});

it('a total that is overtaken counts as unknown', () => {
  expect(completion({ done: 11, total: 10 })).toBeUndefined();
  expect(timeLeftMs(snapshot({ done: 11, total: 10, perSecond: 1 }))).toBeUndefined();
});

describe('RateMeter', () => {
  it('is exact from the first observation of a steady stream', () => {
    const meter = new RateMeter(0, 10_000);
    expect(meter.perSecond).toBeUndefined();
    for (let second = 1; second <= 5; second++) {
      meter.observe(second * 300, second * 1000);
      expect(meter.perSecond).toBeCloseTo(300, 6);
    }
  });

  it('follows a change with its time constant, however often it is asked', () => {
    const rates = [100, 1000].map((stepMs) => {
      const meter = new RateMeter(0, 10_000);
      for (let at = stepMs; at <= 100_000; at += stepMs) meter.observe(at, at);
      for (let at = stepMs; at <= 10_000; at += stepMs) meter.observe(100_000, 100_000 + at);
      return meter.perSecond;
    });
    expect(rates[0]).toBeCloseTo(1000 / Math.E, -1);
    expect(rates[0]).toBeCloseTo(rates[1]!, 3);
  });

  it('ignores a clock that stands still', () => {
    const meter = new RateMeter(5);
    meter.observe(10, 5);
    expect(meter.perSecond).toBeUndefined();
  });
});

function setUp(mode: ProgressMode, columns = 80) {
  const ticks = new Set<() => void>();
  const clock = {
    value: 0,
    nowMs: () => clock.value,
    every: (_: number, tick: () => void) => {
      ticks.add(tick);
      return () => ticks.delete(tick);
    },
  };
  const output = { text: '' };
  const area = new StatusArea({ write: (text) => (output.text += text), columns });
  const progress = new Progress({ mode, area, clock });
  const wait = (durationMs: number) => {
    clock.value += durationMs;
    for (const tick of ticks) tick();
  };
  return { progress, area, output, wait, ticks };
}

/** What a terminal shows after all of it: understands the sequences that StatusArea uses, and no others. */
function screen(text: string): string[] {
  const lines = [''];
  let row = 0;
  let column = 0;
  for (const [part] of text.matchAll(/\u001b\[(?:(\d+)A|0J|\?7[hl])|[\s\S]/g)) {
    const up = /^\u001b\[(\d+)A$/.exec(part);
    if (up !== null) row -= Number(up[1]);
    else if (part === '\u001b[0J') lines.splice(row, Infinity, (lines[row] ?? '').slice(0, column));
    else if (part === '\r') column = 0;
    else if (part === '\n') {
      row += 1;
      column = 0;
      lines[row] ??= '';
    } else if (!part.startsWith('\u001b')) {
      const line = lines[row] ?? '';
      lines[row] = line.slice(0, column).padEnd(column) + part + line.slice(column + 1);
      column += 1;
    }
  }
  return lines;
}

describe('Progress', () => {
  it('draws a bar a stage in place, with lines above', () => {
    const { progress, area, output, wait } = setUp('bars');
    const produce = progress.stage('produce', { unit: 'rows', total: 200 });
    const sink = progress.stage('sink', { unit: 'embeddings' });
    produce.advance(50);
    wait(1000);
    area.write('a message\n');
    produce.advance(50);
    sink.setDone(30);
    wait(1000);
    const shown = screen(output.text);
    expect(shown[0]).toBe('a message');
    expect(shown[1]).toMatch(/^produce \[█{8}░{8}\] 100 of 200 rows \(50%\), 50 rows\/s, 2\.0 s left$/);
    expect(shown[2]).toMatch(/^sink {4}\[·{16}\] 30 embeddings/);
    expect(shown).toHaveLength(4);
  });

  it('cuts to the width, and leaves the last state standing', () => {
    const { progress, output, wait, ticks } = setUp('bars', 30);
    const stage = progress.stage('produce', { unit: 'rows' });
    stage.advance(1000);
    wait(500);
    stage.finish();
    progress.close();
    const shown = screen(output.text);
    expect(shown).toHaveLength(2);
    expect(shown[0]).toBe('produce [████████████████] 1,000 rows'.slice(0, 30));
    expect(ticks.size).toBe(0);
  });

  it('prints lines at most every five seconds, and one at the end', () => {
    const { progress, output, wait } = setUp('lines');
    const stage = progress.stage('process m', { unit: 'records' });
    for (let each = 0; each < 120; each++) {
      stage.advance(10);
      wait(100);
    }
    stage.setTotal(1200);
    stage.finish();
    progress.close();
    expect(output.text.split('\n')).toEqual([
      'process m: 500 records, 100 records/s',
      'process m: 1,000 records, 100 records/s',
      'process m: 1,200 records, 100 records/s, done in 12.0 s',
      '',
    ]);
  });

  it('prints a line for every ten rows where that is asked for, but one a second at most', () => {
    const { progress, output, wait } = setUp('lines');
    const stage = progress.stage('produce t', { unit: 'rows', lineEvery: 10 });
    for (const advance of [10, 9, 1, 50]) {
      stage.advance(advance);
      wait(800);
    }
    expect(output.text.split('\n').map((line) => line.split(',')[0])).toEqual([
      'produce t: 19 rows',
      'produce t: 70 rows',
      '',
    ]);
    progress.close();
  });

  it('prints nothing in none, and starts no timer', () => {
    const { progress, output, wait, ticks } = setUp('none');
    const stage = progress.stage('x', { unit: 'rows' });
    stage.advance(1);
    wait(10_000);
    stage.finish();
    progress.close();
    expect([output.text, ticks.size]).toEqual(['', 0]);
  });
});
