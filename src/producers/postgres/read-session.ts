import type { Client, FieldDef } from 'pg';
import type { PostgresAddress } from '../../postgres/address.ts';
import { connectPostgres } from '../../postgres/connect.ts';
import { RowStream, type TextRow } from '../../postgres/row-stream.ts';
import { queryError } from '../../postgres/server-errors.ts';
import type { Statement } from './statement.ts';

/** What waits for its reader at most, beside one row. */
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;

/**
 * Nothing that is read can be changed by it. What values look like does not hang on the server's settings, nor the order of
 * rows on what others read at the time. A reading lasts as long as publishing does: limits of time are for short queries.
 */
const BEGIN = `
  begin transaction read only;
  set local datestyle = 'ISO, YMD';
  set local timezone = 'UTC';
  set local intervalstyle = 'iso_8601';
  set local bytea_output = 'hex';
  set local extra_float_digits = 1;
  set local synchronize_seqscans = off;
  set local statement_timeout = 0;
  set local idle_in_transaction_session_timeout = 0`;

/** A connection that reads, in one transaction. */
export class ReadSession {
  readonly #client: Client;
  readonly #address: PostgresAddress;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: () => void;

  private constructor(client: Client, address: PostgresAddress, signal: AbortSignal | undefined) {
    this.#client = client;
    this.#address = address;
    this.#signal = signal;
    this.#onAbort = () => {
      client.connection.stream.destroy();
    };
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** @throws UsageError where the server lets nobody in, POSTGRES_UNAVAILABLE where it is not there */
  static async open(address: PostgresAddress, signal?: AbortSignal): Promise<ReadSession> {
    signal?.throwIfAborted();
    const session = new ReadSession(await connectPostgres(address), address, signal);
    try {
      await session.#client.query(BEGIN);
      return session;
    } catch (error) {
      await session.close();
      throw session.#errorOf(error);
    }
  }

  /** All rows, of a statement that has few. */
  async rows(statement: Statement): Promise<readonly TextRow[]> {
    const { rows } = await this.all(statement);
    return rows;
  }

  /** As `rows`, with what the columns are. */
  async all(
    statement: Statement,
  ): Promise<{ readonly rows: readonly TextRow[]; readonly fields: readonly FieldDef[] }> {
    const stream = this.#query(statement);
    const rows: TextRow[] = [];
    try {
      for (let taken = await stream.take(); taken !== undefined; taken = await stream.take()) rows.push(...taken.rows);
    } catch (error) {
      throw this.#errorOf(error);
    }
    return { rows, fields: stream.fields };
  }

  /** Rows as they come; nothing else can be asked of the session any more. Bounded in memory. */
  async *stream(statement: Statement): AsyncGenerator<{ readonly rows: readonly TextRow[]; readonly bytes: number }> {
    const stream = this.#query(statement);
    for (;;) {
      const taken = await stream.take().catch((error: unknown) => {
        throw this.#errorOf(error);
      });
      if (taken === undefined) return;
      yield taken;
    }
  }

  /** Ends the connection, also amid a statement. */
  async close(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    // What was read is read; how the connection ends changes nothing.
    await this.#client.end().catch(() => undefined);
  }

  #query({ text, values }: Statement): RowStream {
    return this.#client.query(new RowStream({ text, values, maxBufferedBytes: MAX_BUFFERED_BYTES }));
  }

  /** What a stop has broken off is no fault of the server's. */
  #errorOf(error: unknown): unknown {
    return this.#signal?.aborted === true ? this.#signal.reason : queryError(error, this.#address);
  }
}
