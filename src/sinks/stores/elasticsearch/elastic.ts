import type { Connection } from './connection.ts';
import { connectionFault, responseFault } from './faults.ts';
import { Patience } from './patience.ts';

export interface Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Names in it are encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: Readonly<Record<string, unknown>>;
  /** NDJSON, in place of `body`. */
  readonly bulkBody?: Buffer;
  /** For messages: `the search`. */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

interface ElasticServerOptions {
  readonly retryForMs: number;
  /** Ends all waiting. */
  readonly stop?: AbortSignal | undefined;
  readonly onWarning: (message: string) => void;
}

/** A server and what it takes to ask it something. */
export class Elastic {
  /** Without secrets, for messages. */
  readonly where: string;
  readonly #connection: Connection;
  readonly #options: ElasticServerOptions;

  constructor(where: string, connection: Connection, options: ElasticServerOptions) {
    this.where = where;
    this.#connection = connection;
    this.#options = options;
  }

  patience(signal = this.#options.stop): Patience {
    const { retryForMs: forMs, onWarning } = this.#options;
    return new Patience({ forMs, signal, onWarning });
  }

  /** One attempt. Resolves with whatever Elasticsearch answers, also a refusal; rejects where nothing answers. */
  async send({ method, path, query, body, bulkBody, what, signal }: Request): Promise<Answer> {
    try {
      const result = await this.#connection.transport.request(
        {
          ...{ method, path },
          ...(query !== undefined && { querystring: { ...query } }),
          ...(body !== undefined && { body: { ...body } }),
          ...(bulkBody !== undefined && { bulkBody }),
        },
        { meta: true, ...(signal !== undefined && { signal }) },
      );
      return { status: result.statusCode, body: result.body };
    } catch (error) {
      const answer = answerIn(error);
      if (answer !== undefined) return answer;
      throw connectionFault(this.where, what, error);
    }
  }

  /**
   * Asks until there is an answer that says neither "busy" nor "away", for as long as the options allow.
   *
   * @param allowed statuses that are answers too: they are not thrown.
   */
  async ask(request: Request, allowed: readonly number[] = []): Promise<Answer> {
    const patience = this.patience(request.signal);
    for (;;) {
      try {
        const answer = await this.send(request);
        if (answer.status < 300 || allowed.includes(answer.status)) return answer;
        throw responseFault(this.where, request.what, answer.status, answer.body);
      } catch (error) {
        await patience.wait(error);
      }
    }
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }
}

/** What the client wraps a status from 400 on in. */
function answerIn(error: unknown): Answer | undefined {
  if (!(error instanceof Error) || error.name !== 'ResponseError' || !('meta' in error)) return undefined;
  const { meta } = error;
  if (typeof meta !== 'object' || meta === null || !('statusCode' in meta) || !('body' in meta)) return undefined;
  return { status: Number(meta.statusCode), body: meta.body };
}
