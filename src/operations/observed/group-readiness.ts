import type { Readiness } from '../../telemetry/readiness.ts';

interface Run {
  /** Partitions to open, once the log has said how many. */
  assigned: number | undefined;
  opened: number;
  readonly ready: () => void;
}

/** Makes a process ready for a group once all partitions that it was given are open, which may be none. */
export class GroupReadiness {
  readonly #readiness: Readiness;
  readonly #onBegin: () => void;
  readonly #runs = new Map<string, Run>();

  constructor(readiness: Readiness, onBegin: () => void) {
    this.#readiness = readiness;
    this.#onBegin = onBegin;
  }

  begin(group: string): void {
    const ready = this.#readiness.pending(`${group} waits for its partitions, or restores their state`);
    this.#runs.set(group, { assigned: undefined, opened: 0, ready });
    this.#onBegin();
  }

  assigned(group: string, partitions: number): void {
    this.#change(group, (run) => {
      run.assigned = partitions;
    });
  }

  opened(group: string, more: 1 | -1): void {
    this.#change(group, (run) => {
      run.opened += more;
    });
  }

  /** However it ended: nothing is waited for any more. */
  end(group: string): void {
    this.#runs.get(group)?.ready();
    this.#runs.delete(group);
  }

  #change(group: string, change: (run: Run) => void): void {
    const run = this.#runs.get(group);
    if (run === undefined) return;
    change(run);
    if (run.assigned !== undefined && run.opened >= run.assigned) run.ready();
  }
}
