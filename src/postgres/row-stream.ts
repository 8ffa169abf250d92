import type { Connection, FieldDef, Submittable } from 'pg';

/** A row as the server writes it: a text a column, null for NULL. */
export type TextRow = readonly (string | null)[];

export interface RowStreamOptions {
  readonly text: string;
  /** Parameters of the statement, `$1` on. */
  readonly values?: readonly string[];
  /** What is buffered at most, beside one chunk of the socket (64 KiB) and one row. */
  readonly maxBufferedBytes: number;
}

/**
 * The rows of one statement as they come, for `client.query`. The client's own queries gather all rows, and its cursors as
 * many as were asked for, however large; here the socket rests while more than `maxBufferedBytes` wait, so that the server
 * stops sending: memory is bounded whatever the rows are. To stop early the connection is ended.
 */
export class RowStream implements Submittable {
  readonly #options: RowStreamOptions;
  #connection: Connection | undefined;
  #fields: readonly FieldDef[] = [];
  #rows: TextRow[] = [];
  #bytes = 0;
  #isOver = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(options: RowStreamOptions) {
    this.#options = options;
  }

  /** Of all rows; there once `take` has answered. */
  get fields(): readonly FieldDef[] {
    return this.#fields;
  }

  /** The rows that have come since, at least one; undefined at the end. Rejects as the server or the connection does. */
  async take(): Promise<{ readonly rows: readonly TextRow[]; readonly bytes: number } | undefined> {
    while (this.#rows.length === 0 && !this.#isOver && this.#error === undefined)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    if (this.#rows.length > 0) {
      const taken = { rows: this.#rows, bytes: this.#bytes };
      this.#rows = [];
      this.#bytes = 0;
      this.#connection?.stream.resume();
      return taken;
    }
    if (this.#error !== undefined) throw this.#error;
    return undefined;
  }

  // What the client calls.

  submit(connection: Connection): void {
    this.#connection = connection;
    const { text, values = [] } = this.#options;
    // The extended protocol: one statement, and values that are no part of it.
    connection.parse({ name: '', text, types: [] }, true);
    connection.bind({ portal: '', statement: '', values: [...values] }, true);
    connection.describe({ type: 'P', name: '' }, true);
    connection.execute({ portal: '' }, true);
    connection.sync();
  }

  handleRowDescription({ fields }: { readonly fields: readonly FieldDef[] }): void {
    this.#fields = fields;
  }

  handleDataRow({ fields, length }: { readonly fields: TextRow; readonly length: number }): void {
    this.#rows.push(fields);
    this.#bytes += length;
    if (this.#bytes > this.#options.maxBufferedBytes) this.#connection?.stream.pause();
    this.#wakeUp();
  }

  handleError(error: Error): void {
    this.#error = error;
    this.#connection?.stream.resume();
    this.#wakeUp();
  }

  handleReadyForQuery(): void {
    this.#isOver = true;
    this.#wakeUp();
  }

  handleCommandComplete(): void {
    // The end is told when the server is ready again.
  }

  handleEmptyQuery(): void {
    // As above.
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
