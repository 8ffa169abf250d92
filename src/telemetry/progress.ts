import { formatBytes, formatCount, formatDuration, formatRate } from './format.ts';
import { RateMeter } from './rate.ts';
import type { StatusArea } from './status-area.ts';

/** Injected, so that tests move it by hand. */
export interface ProgressClock {
  nowMs(): number;
  /** Calls `tick` about every `periodMs` without keeping the process alive; answers how to stop it. */
  every(periodMs: number, tick: () => void): () => void;
}

export const systemClock: ProgressClock = {
  nowMs: () => performance.now(),
  every: (periodMs, tick) => {
    const timer = setInterval(tick, periodMs);
    timer.unref();
    return () => {
      clearInterval(timer);
    };
  },
};

/** `bars` redraws in place (a terminal), `lines` prints now and then, `none` prints nothing. */
export type ProgressMode = 'bars' | 'lines' | 'none';

export interface ProgressOptions {
  readonly mode: ProgressMode;
  readonly area: StatusArea;
  readonly clock?: ProgressClock;
  /** Least time between two lines of one stage in `lines`. Default 5,000. */
  readonly lineEveryMs?: number;
}

export interface StageOptions {
  /** Plural: `rows`, `records`, `embeddings`; `bytes` is shown as KiB, MiB … */
  readonly unit: string;
  /** Left out: unknown yet. */
  readonly total?: number;
  /** In `lines`, also a line for every so many units, but none within a second of the last. */
  readonly lineEvery?: number;
}

/** One line of progress: `produce`, `process all-MiniLM-L6-v2`, `sink parquet`. */
export interface Stage {
  /** Work done since the last call. */
  advance(amount: number): void;
  /** Work done since the start. */
  setDone(done: number): void;
  /** It may grow while the work goes on; undefined: unknown. */
  setTotal(total: number | undefined): void;
  finish(): void;
}

const REDRAW_MS = 100;
const LEAST_BETWEEN_LINES_MS = 1000;
const BAR_CELLS = 16;

/** Several stages at once, each with its bar, rate and time left. */
export class Progress {
  readonly #options: Required<ProgressOptions>;
  readonly #stages: StageState[] = [];
  #stopTicking: (() => void) | undefined;

  constructor(options: ProgressOptions) {
    this.#options = { clock: systemClock, lineEveryMs: 5000, ...options };
  }

  stage(name: string, options: StageOptions): Stage {
    const { clock, mode } = this.#options;
    const state = new StageState(name, options, clock.nowMs());
    if (mode !== 'none') {
      this.#stages.push(state);
      this.#stopTicking ??= clock.every(REDRAW_MS, () => {
        this.#tick();
      });
    }
    return {
      advance: (amount) => {
        state.done += amount;
      },
      setDone: (done) => {
        state.done = done;
      },
      setTotal: (total) => {
        state.total = total;
      },
      finish: () => {
        this.#finish(state);
      },
    };
  }

  /** Draws the last state and leaves it standing. */
  close(): void {
    if (this.#stopTicking === undefined) return;
    this.#stopTicking();
    this.#stopTicking = undefined;
    const nowMs = this.#options.clock.nowMs();
    if (this.#options.mode === 'bars') {
      this.#draw(nowMs);
      this.#options.area.keep();
    } else {
      for (const state of this.#stages) if (state.finishedMs === undefined) this.#line(state, nowMs);
    }
    this.#stages.length = 0;
  }

  #finish(state: StageState): void {
    if (state.finishedMs !== undefined) return;
    const nowMs = this.#options.clock.nowMs();
    state.rate.observe(state.done, nowMs);
    state.finishedMs = nowMs;
    if (this.#options.mode === 'lines') this.#line(state, nowMs);
  }

  #tick(): void {
    const nowMs = this.#options.clock.nowMs();
    for (const state of this.#stages) {
      if (state.finishedMs !== undefined) continue;
      state.rate.observe(state.done, nowMs);
      if (this.#options.mode === 'lines' && this.#isLineDue(state, nowMs)) this.#line(state, nowMs);
    }
    if (this.#options.mode === 'bars') this.#draw(nowMs);
  }

  #isLineDue({ lastLineMs, lastLineDone, lineEvery, done }: StageState, nowMs: number): boolean {
    const sinceMs = nowMs - lastLineMs;
    const isEnough = lineEvery !== undefined && done - lastLineDone >= lineEvery;
    return sinceMs >= this.#options.lineEveryMs || (isEnough && sinceMs >= LEAST_BETWEEN_LINES_MS);
  }

  #line(state: StageState, nowMs: number): void {
    state.lastLineMs = nowMs;
    state.lastLineDone = state.done;
    this.#options.area.write(`${state.name}: ${describeStage(state.snapshot(nowMs))}\n`);
  }

  #draw(nowMs: number): void {
    const width = Math.max(0, ...this.#stages.map(({ name }) => name.length));
    const columns = this.#options.area.columns;
    this.#options.area.draw(
      this.#stages.map((state) => barLine(state.name.padEnd(width), state.snapshot(nowMs)).slice(0, columns)),
    );
  }
}

class StageState {
  readonly name: string;
  readonly unit: string;
  readonly startMs: number;
  readonly rate: RateMeter;
  total: number | undefined;
  done = 0;
  finishedMs: number | undefined;
  lastLineMs: number;
  lastLineDone = 0;
  readonly lineEvery: number | undefined;

  constructor(name: string, options: StageOptions, nowMs: number) {
    this.name = name;
    this.unit = options.unit;
    this.total = options.total;
    this.lineEvery = options.lineEvery;
    this.startMs = nowMs;
    this.lastLineMs = nowMs;
    this.rate = new RateMeter(nowMs);
  }

  snapshot(nowMs: number): StageSnapshot {
    const { unit, done, total, rate, finishedMs } = this;
    const elapsedMs = (finishedMs ?? nowMs) - this.startMs;
    return { unit, done, total, perSecond: rate.perSecond, elapsedMs, isFinished: finishedMs !== undefined };
  }
}

export interface StageSnapshot {
  readonly unit: string;
  readonly done: number;
  readonly total: number | undefined;
  readonly perSecond: number | undefined;
  readonly elapsedMs: number;
  readonly isFinished: boolean;
}

/** 0 to 1; undefined when the total is unknown or overtaken by what is done. */
export function completion({ done, total }: Pick<StageSnapshot, 'done' | 'total'>): number | undefined {
  return total === undefined || total <= 0 || done > total ? undefined : done / total;
}

/** Undefined when it can't be told: no total, or nothing moves. */
export function timeLeftMs(snapshot: StageSnapshot): number | undefined {
  const { total, done, perSecond, isFinished } = snapshot;
  if (isFinished || total === undefined || completion(snapshot) === undefined) return undefined;
  return perSecond === undefined || perSecond <= 0 ? undefined : ((total - done) / perSecond) * 1000;
}

/** `1,200 of 2,000 rows (60%), 345 rows/s, 2.3 s left` */
export function describeStage(snapshot: StageSnapshot): string {
  const { unit, done, total, elapsedMs, isFinished } = snapshot;
  const portion = completion(snapshot);
  // Over the whole time once it is finished: the weighted mean tells only of the end.
  const overall = elapsedMs > 0 ? (done / elapsedMs) * 1000 : undefined;
  const perSecond = isFinished ? overall : snapshot.perSecond;
  const leftMs = timeLeftMs(snapshot);
  const goal =
    portion === undefined || total === undefined || (isFinished && done === total) ? '' : ` of ${amount(total, unit)}`;
  return [
    `${amount(done, unit)}${goal}${unit === 'bytes' ? '' : ` ${unit}`}${goal === '' ? '' : ` (${percent(portion)})`}`,
    ...(perSecond === undefined
      ? []
      : [unit === 'bytes' ? `${formatBytes(perSecond)}/s` : formatRate(perSecond, unit)]),
    ...(leftMs === undefined ? [] : [`${formatDuration(leftMs)} left`]),
    ...(isFinished ? [`done in ${formatDuration(elapsedMs)}`] : []),
  ].join(', ');
}

function barLine(name: string, snapshot: StageSnapshot): string {
  return `${name} ${bar(snapshot)} ${describeStage(snapshot)}`;
}

function bar(snapshot: StageSnapshot): string {
  const portion = snapshot.isFinished ? 1 : completion(snapshot);
  if (portion === undefined) return `[${'·'.repeat(BAR_CELLS)}]`;
  const filled = Math.floor(portion * BAR_CELLS);
  return `[${'█'.repeat(filled)}${'░'.repeat(BAR_CELLS - filled)}]`;
}

/** Rounded down: 100 % is said only when all is done. */
function percent(portion: number | undefined): string {
  return `${Math.floor((portion ?? 0) * 100)}%`;
}

function amount(value: number, unit: string): string {
  return unit === 'bytes' ? formatBytes(value) : formatCount(value);
}
