export interface TextStream {
  write(text: string): unknown;
  /** Width of the terminal, when it is one. */
  readonly columns?: number;
}

const HIDE_WRAP = '\u001b[?7l';
const SHOW_WRAP = '\u001b[?7h';
const CLEAR_BELOW = '\u001b[0J';

/**
 * The last lines of a terminal, redrawn in place, with ordinary lines written above them. Everything that goes to
 * the same terminal must go through here, or it tears the bars.
 */
export class StatusArea {
  readonly #stream: TextStream;
  #lines: readonly string[] = [];

  constructor(stream: TextStream) {
    this.#stream = stream;
  }

  get columns(): number {
    return this.#stream.columns ?? 80;
  }

  /** Replaces the area. No lines: it is removed. */
  draw(lines: readonly string[]): void {
    if (lines.length === 0 && this.#lines.length === 0) return;
    this.#stream.write(this.#erase() + render(lines));
    this.#lines = lines;
  }

  /** Writes text that ends with a line break, above the area. */
  write(text: string): void {
    this.#stream.write(this.#lines.length === 0 ? text : this.#erase() + text + render(this.#lines));
  }

  /** Leaves what is drawn where it is and forgets it. */
  keep(): void {
    this.#lines = [];
  }

  #erase(): string {
    return this.#lines.length === 0 ? '' : `\u001b[${this.#lines.length}A\r${CLEAR_BELOW}`;
  }
}

/** Without automatic wrapping: a line that wraps after a resize would be erased by half. */
function render(lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${HIDE_WRAP}${lines.join('\n')}\n${SHOW_WRAP}`;
}
