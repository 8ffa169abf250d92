import type { HostedItem, RequestLimits, Role } from './provider.ts';

/** An input that waits for its vector. */
export interface Waiting {
  readonly item: HostedItem;
  readonly role: Role;
  /** Inputs of one call have the same. */
  readonly window: object;
  /** By estimate. */
  readonly tokens: number;
  /** Of the request's body, about. */
  readonly bytes: number;
  /** Longer than the model reads, by estimate. */
  readonly isTruncated: boolean;
  /** A longer text was refused, and cut to what is in `item`. */
  readonly isShortened?: boolean;
  /** Nobody waits for it any more. */
  readonly isAbandoned: () => boolean;
  done(outcome: Outcome): void;
}

export type Outcome =
  | { readonly vector: Float32Array; readonly tokens: number; readonly isTruncated: boolean }
  | { readonly refused: string }
  | { readonly error: unknown };

/** Inputs that are one request: what is refused comes back as one, or in halves. */
export interface Batch {
  readonly inputs: readonly Waiting[];
  /** Times that it failed by no fault of its inputs. */
  readonly attempts: number;
  /** Not to be sent before. */
  readonly notBeforeMs: number;
  /** Requests there had been when one of its inputs was first said to be at fault. */
  readonly accusedAt?: number;
}

/** Inputs in order of arrival, and before them what has to be sent again. */
export class RequestQueue {
  readonly #again: Batch[] = [];
  /** A ring would do; an index into an array that is cut now and then is simpler. */
  #waiting: Waiting[] = [];
  #head = 0;

  add(inputs: readonly Waiting[]): void {
    for (const input of inputs) this.#waiting.push(input);
  }

  /** To be sent before all that has not been sent yet. */
  putBack(...batches: readonly Batch[]): void {
    this.#again.unshift(...batches);
  }

  /**
   * The next batch, which is taken; or in how many milliseconds there will be one, Infinity when nothing waits.
   *
   * @param fills whether requests are scarce, and a new batch is to hold as much as it may; otherwise it has whole windows.
   */
  take(nowMs: number, fills: boolean, limits: RequestLimits): Batch | number {
    let soonestMs = Infinity;
    for (let i = 0; i < this.#again.length; i++) {
      const batch = this.#again[i];
      if (batch === undefined) break;
      const inputs = batch.inputs.filter((input) => !input.isAbandoned());
      if (inputs.length > 0 && batch.notBeforeMs > nowMs) {
        soonestMs = Math.min(soonestMs, batch.notBeforeMs - nowMs);
        continue;
      }
      this.#again.splice(i--, 1);
      if (inputs.length > 0) return { ...batch, inputs };
    }
    const inputs = this.#takeNew(fills, limits);
    return inputs.length > 0 ? { inputs, attempts: 0, notBeforeMs: 0 } : soonestMs;
  }

  /** Everything, when no more is to be sent. */
  drain(): Waiting[] {
    const all = [...this.#again.flatMap(({ inputs }) => inputs), ...this.#waiting.slice(this.#head)];
    this.#again.length = 0;
    this.#waiting = [];
    this.#head = 0;
    return all;
  }

  #takeNew(fills: boolean, limits: RequestLimits): Waiting[] {
    const mostItems = fills ? limits.maxItems : Math.min(limits.goodItems, limits.maxItems);
    const taken: Waiting[] = [];
    let [items, tokens, bytes] = [0, 0, 0];
    /** Before the window that is being taken. */
    let before = { head: this.#head, taken: 0 };
    let head = this.#head;
    for (; head < this.#waiting.length; head++) {
      const next = this.#waiting[head];
      if (next === undefined) break;
      if (next.isAbandoned()) continue;
      if (next.window !== taken.at(-1)?.window) before = { head, taken: taken.length };
      items += limits.partsApart === true && next.item.text !== undefined && next.item.image !== undefined ? 2 : 1;
      tokens += next.tokens;
      bytes += next.bytes;
      const [first] = taken;
      const isTooMuch = items > mostItems || tokens > limits.maxTokens || bytes > limits.maxBytes;
      // A single input is sent whatever it is: the provider says what is too much.
      if (first === undefined || (!isTooMuch && next.role === first.role)) {
        taken.push(next);
        continue;
      }
      // A window in two requests would be done with the later one, and lost with the one that fails.
      if (!fills && before.taken > 0) {
        taken.length = before.taken;
        head = before.head;
      }
      break;
    }
    this.#head = head;
    if (this.#head > 1024 && this.#head * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
    return taken;
  }
}

/** Both halves of a batch that an input of it spoils. */
export function halves(batch: Batch, accusedAt: number): readonly [Batch, Batch] {
  const middle = Math.ceil(batch.inputs.length / 2);
  const half = (inputs: readonly Waiting[]): Batch => ({ inputs, attempts: 0, notBeforeMs: 0, accusedAt });
  return [half(batch.inputs.slice(0, middle)), half(batch.inputs.slice(middle))];
}

export function tokensOf({ inputs }: Batch): number {
  return inputs.reduce((sum, { tokens }) => sum + tokens, 0);
}

export function imagesOf({ inputs }: Batch): number {
  return inputs.reduce((sum, { item }) => sum + (item.image === undefined ? 0 : 1), 0);
}
