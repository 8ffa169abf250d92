import { createDeferred } from '../../models/local/deferred.ts';

/** A document's turn to be read. */
export interface Turn {
  readonly granted: Promise<undefined>;
  /** Somebody waits for this one: those that nobody waits for don't count against it. */
  hurry(): void;
  /** It is read; what came of it still has to be taken. */
  endReading(): void;
  /** Nothing of it is left. Ends the reading too. */
  leave(): void;
}

interface Waiting {
  isHurried: boolean;
  readonly grant: () => void;
}

/**
 * Grants documents their turns in the order in which they came: so many are read at once, and so many are read and not
 * yet taken. One that somebody waits for never waits for those that nobody takes: up to as many again are read then.
 */
export class ReadingTurns {
  readonly #atOnce: number;
  readonly #ahead: number;
  readonly #waiting = new Set<Waiting>();
  #reading = 0;
  #readingHurried = 0;
  #held = 0;

  constructor(atOnce: number, ahead: number) {
    this.#atOnce = atOnce;
    this.#ahead = ahead;
  }

  take(): Turn {
    const { promise, resolve } = createDeferred<undefined>();
    let isReading = false;
    let isHeld = false;
    const waiting: Waiting = {
      isHurried: false,
      grant: () => {
        this.#waiting.delete(waiting);
        isReading = isHeld = true;
        this.#count(waiting, 1);
        this.#held++;
        resolve(undefined);
      },
    };
    const hurry = (): void => {
      if (waiting.isHurried) return;
      if (isReading) this.#readingHurried++;
      waiting.isHurried = true;
      this.#admit();
    };
    const endReading = (): void => {
      if (isReading) this.#count(waiting, -1);
      isReading = false;
      this.#admit();
    };
    const leave = (): void => {
      this.#waiting.delete(waiting);
      if (isHeld) this.#held--;
      isHeld = false;
      endReading();
    };
    this.#waiting.add(waiting);
    this.#admit();
    return { granted: promise, hurry, endReading, leave };
  }

  #count({ isHurried }: Waiting, change: 1 | -1): void {
    this.#reading += change;
    if (isHurried) this.#readingHurried += change;
  }

  #admit(): void {
    for (const waiting of this.#waiting) if (waiting.isHurried && this.#readingHurried < this.#atOnce) waiting.grant();
    for (const waiting of this.#waiting) {
      if (this.#reading >= this.#atOnce || this.#held >= this.#ahead) return;
      waiting.grant();
    }
  }
}
