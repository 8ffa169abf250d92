import { Worker } from 'node:worker_threads';
import { messageOf, poisonError } from '../../errors.ts';

export interface ParquetFooter {
  readonly rows: number;
  /** Decoded, of each row group. */
  readonly rowGroupBytes: readonly number[];
  /** The text at the key that was asked for. */
  readonly own: string | undefined;
  /** Arrow IPC. */
  readonly schema: Uint8Array;
}

export type ParquetRequest =
  | { readonly kind: 'footer'; readonly metadataKey: string }
  | { readonly kind: 'next'; readonly columns: readonly string[] | undefined };

/** `batch`: Arrow IPC; undefined at the end. */
export type ParquetReply =
  { readonly footer: ParquetFooter } | { readonly batch: Uint8Array | undefined } | { readonly failure: string };

/** More than any row group takes that is not refused. */
const CALL_TIMEOUT_MS = 60_000;

/** One Parquet file, read in a thread of its own; calls must not overlap. Errors: IMPORT_PARQUET (poison). */
export class ParquetThread {
  readonly #worker: Worker;
  readonly #name: string;
  #settle: ((reply: ParquetReply) => void) | undefined;

  constructor(path: string, name: string) {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    this.#name = name;
    this.#worker = new Worker(new URL(`./parquet-worker.${extension}`, import.meta.url), {
      workerData: path,
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    this.#worker.on('message', (reply: ParquetReply) => this.#settle?.(reply));
    this.#worker.on('error', (error) => this.#settle?.({ failure: messageOf(error) }));
    this.#worker.on('exit', () => this.#settle?.({ failure: 'its reader has ended' }));
  }

  async footer(metadataKey: string): Promise<ParquetFooter> {
    const reply = await this.#call({ kind: 'footer', metadataKey });
    if (!('footer' in reply)) throw this.#unreadable('failure' in reply ? reply.failure : '');
    return reply.footer;
  }

  /** undefined at the end. The columns are those of the first call. */
  async next(columns: readonly string[] | undefined): Promise<Uint8Array | undefined> {
    const reply = await this.#call({ kind: 'next', columns });
    if (!('batch' in reply)) throw this.#unreadable('failure' in reply ? reply.failure : '');
    return reply.batch;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  async #call(request: ParquetRequest): Promise<ParquetReply> {
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<ParquetReply>((resolve) => {
        this.#settle = resolve;
        timer = setTimeout(() => {
          resolve({ failure: `reading takes longer than ${CALL_TIMEOUT_MS / 1000} s` });
        }, CALL_TIMEOUT_MS);
        this.#worker.postMessage(request);
      });
    } finally {
      clearTimeout(timer);
      this.#settle = undefined;
    }
  }

  #unreadable(failure: string): Error {
    return poisonError('IMPORT_PARQUET', `${this.#name} can't be read as Parquet: ${failure}.`);
  }
}
