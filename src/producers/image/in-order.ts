/** Lets work on what comes next begin before its turn, and bounds how much of it there is. */

export interface AheadLimits {
  /** Items that are worked on at a time, or are ready and wait. */
  readonly mostItems: number;
  /** Bytes that they hold. The one whose turn it is may always go on, however many it needs. */
  readonly mostBytes: number;
}

/**
 * Says how many bytes an item holds, or is about to hold, in place of what was said before, and waits until there is
 * room for them. Nothing that others need to go on may be held meanwhile; fewer than before never wait.
 */
export type Reserve = (bytes: number) => Promise<void>;

/**
 * The results of `work` in the order of the items. When the reader is done, or one has failed, the signal that the
 * others got is aborted, and they are waited for.
 */
export async function* inOrder<Item, Result>(
  items: readonly Item[],
  work: (item: Item, reserve: Reserve, signal: AbortSignal) => Promise<Result>,
  { mostItems, mostBytes }: AheadLimits,
  signal?: AbortSignal,
): AsyncGenerator<Result> {
  const stop = new AbortController();
  const stopped = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const room = new OrderedRoom(mostBytes);
  const ahead: Promise<Result>[] = [];
  let begun = 0;
  try {
    for (let turn = 0; turn < items.length; turn++) {
      room.setTurn(turn);
      for (; begun < items.length && begun < turn + mostItems; begun++) {
        const index = begun;
        const working = work(items[index] as Item, (bytes) => room.enter(index, bytes), stopped);
        // Met in its turn; until then a rejection must not count as unhandled.
        working.catch(() => undefined);
        ahead.push(working);
      }
      const result = await ahead.shift();
      yield result as Result;
      room.leave(turn);
    }
  } finally {
    stop.abort();
    room.open();
    await Promise.allSettled(ahead);
  }
}

/** In the order of the items: one that comes later passes no other that waits. */
class OrderedRoom {
  readonly #most: number;
  readonly #held = new Map<number, number>();
  readonly #waiting = new Map<number, () => void>();
  #bytes = 0;
  #turn = 0;
  #isOpen = false;

  constructor(most: number) {
    this.#most = most;
  }

  async enter(index: number, bytes: number): Promise<void> {
    while (this.#mustWait(index, bytes - (this.#held.get(index) ?? 0)))
      await new Promise<void>((resolve) => this.#waiting.set(index, resolve));
    this.#waiting.delete(index);
    this.#bytes += bytes - (this.#held.get(index) ?? 0);
    this.#held.set(index, bytes);
    this.#wake();
  }

  leave(index: number): void {
    this.#bytes -= this.#held.get(index) ?? 0;
    this.#held.delete(index);
    this.#wake();
  }

  setTurn(index: number): void {
    this.#turn = index;
    this.#wake();
  }

  /** Nobody waits any more. */
  open(): void {
    this.#isOpen = true;
    this.#wake();
  }

  #mustWait(index: number, more: number): boolean {
    if (this.#isOpen || index <= this.#turn || more <= 0) return false;
    for (const other of this.#waiting.keys()) if (other < index) return true;
    return this.#bytes > 0 && this.#bytes + more > this.#most;
  }

  /** They stay among those that wait until they have found that they need not. */
  #wake(): void {
    for (const resume of this.#waiting.values()) resume();
  }
}
