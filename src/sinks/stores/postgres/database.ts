import type { ClientBase, Pool, PoolClient } from 'pg';
import { withRetries, type RetryOptions } from '../../../log/retry.ts';
import type { PostgresAddress } from '../../../postgres/address.ts';
import { openPool } from '../../../postgres/connect.ts';
import { RowStream, type TextRow } from '../../../postgres/row-stream.ts';
import { requestError } from '../../../postgres/server-errors.ts';

/** Some half a minute in all: a server that restarts is back by then. */
const RETRY = { maxAttempts: 9, baseMs: 250, capMs: 8_000, random: Math.random };
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;

export interface DatabaseOptions {
  readonly address: PostgresAddress;
  readonly maxConnections: number;
  readonly onWarning: (message: string) => void;
}

/** Transactions over a bounded number of connections, tried again where the fault is one of the world that passes. */
export class Database {
  readonly #options: DatabaseOptions;
  #pool: Promise<Pool> | undefined;

  constructor(options: DatabaseOptions) {
    this.#options = options;
  }

  /**
   * Runs `body` in a transaction, and again where that fails for a fault that passes: then it is not known whether it was
   * committed, which `body` has to see for itself.
   */
  transaction<Result>(
    what: string,
    body: (client: ClientBase) => Promise<Result>,
    signal?: AbortSignal,
  ): Promise<Result> {
    return this.#withClient(
      what,
      async (client) => {
        await client.query('begin');
        const result = await body(client);
        await client.query('commit');
        return result;
      },
      signal,
    );
  }

  /** What is good to have been done, and no more: that it may not be done is told, and nothing else comes of it. */
  async attempt(body: (client: ClientBase) => Promise<void>): Promise<void> {
    const client = await this.#connect();
    let isSound = false;
    try {
      await body(client);
      isSound = true;
    } catch (error) {
      this.#options.onWarning(requestError(error, this.#options.address, 'ending a transaction that was left').message);
    } finally {
      client.release(!isSound);
    }
  }

  /** Rows as they come, bounded in memory. */
  async *rows(what: string, text: string, values: readonly string[]): AsyncGenerator<readonly TextRow[]> {
    const { address } = this.#options;
    const client = await this.#connect();
    let isWhole = false;
    try {
      const stream = client.query(new RowStream({ text, values, maxBufferedBytes: MAX_BUFFERED_BYTES }));
      for (let taken = await stream.take(); taken !== undefined; taken = await stream.take()) yield taken.rows;
      isWhole = true;
    } catch (error) {
      throw requestError(error, address, what);
    } finally {
      client.release(!isWhole);
    }
  }

  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    await (await pool?.catch(() => undefined))?.end();
  }

  async #withClient<Result>(
    what: string,
    body: (client: PoolClient) => Promise<Result>,
    signal: AbortSignal | undefined,
  ): Promise<Result> {
    const { address, onWarning } = this.#options;
    const retry: RetryOptions = {
      ...RETRY,
      onRetry: ({ error }) => {
        onWarning(error.message);
      },
    };
    const attempt = async (): Promise<Result> => {
      const client = await this.#connect();
      let isSound = false;
      try {
        const result = await body(client);
        isSound = true;
        return result;
      } catch (error) {
        throw requestError(error, address, what);
      } finally {
        // One that has failed is ended, and its transaction with it.
        client.release(!isSound);
      }
    };
    return withRetries(attempt, signal, retry);
  }

  async #connect(): Promise<PoolClient> {
    const { address, maxConnections } = this.#options;
    this.#pool ??= openPool(address, maxConnections);
    try {
      return await (await this.#pool).connect();
    } catch (error) {
      // The next one finds out anew how the server is to be spoken to.
      if (!(await isOpen(this.#pool))) this.#pool = undefined;
      throw requestError(error, address, 'connecting');
    }
  }
}

function isOpen(pool: Promise<Pool>): Promise<boolean> {
  return pool.then(
    () => true,
    () => false,
  );
}
