import { Worker } from 'node:worker_threads';
import { fatalError, PipelineError } from '../../errors.ts';
import { logClosed } from '../log-errors.ts';
import type {
  ErrorMessage,
  WorkerCall,
  WorkerCalls,
  WorkerMessage,
  WorkerOperation,
  WorkerSettings,
} from './protocol.ts';

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: PipelineError) => void;
}

/** Calls the log's worker thread; answers come in the order of the calls, compaction's excepted. */
export class WorkerClient {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #onChanged: () => void;
  #lastId = 0;
  /** Set once no call can be answered any more. */
  #ended: PipelineError | undefined;

  private constructor(worker: Worker, onChanged: () => void) {
    this.#worker = worker;
    this.#onChanged = onChanged;
  }

  /** Resolves once the log is open; rejects with LOG_UNREADABLE and the like. */
  static async start(settings: WorkerSettings, onChanged: () => void): Promise<WorkerClient> {
    const file = import.meta.url.endsWith('.ts') ? './log-worker.ts' : './log-worker.js';
    const worker = new Worker(new URL(file, import.meta.url), {
      workerData: settings,
      execArgv: ['--disable-warning=ExperimentalWarning'],
      name: 'embedded-log',
    });
    const client = new WorkerClient(worker, onChanged);
    try {
      await new Promise<void>((resolve, reject) => {
        client.#listen(resolve, reject);
      });
    } catch (error) {
      await worker.terminate();
      throw error;
    }
    return client;
  }

  async call<Op extends WorkerOperation>(
    op: Op,
    args: WorkerCalls[Op]['args'],
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<WorkerCalls[Op]['result']> {
    if (this.#ended !== undefined) throw this.#ended;
    const id = ++this.#lastId;
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
    const call: WorkerCall = { id, op, args };
    this.#worker.postMessage(call, transfer);
    return (await answer) as WorkerCalls[Op]['result'];
  }

  /** After the last call. */
  async end(): Promise<void> {
    this.#ended ??= logClosed();
    await this.#worker.terminate();
  }

  #listen(ready: () => void, failed: (error: PipelineError) => void): void {
    this.#worker.on('message', (message: WorkerMessage) => {
      if (message.kind === 'ready') ready();
      else if (message.kind === 'failed') failed(errorFrom(message.error));
      else if (message.kind === 'changed') this.#onChanged();
      else this.#settle(message);
    });
    const end = (reason: string, cause?: unknown): void => {
      this.#ended ??= fatalError('LOG_CLOSED', `The thread of the embedded log ended: ${reason}. Start again.`, cause);
      failed(this.#ended);
      for (const { reject } of this.#waiting.values()) reject(this.#ended);
      this.#waiting.clear();
    };
    this.#worker.on('error', (error: unknown) => {
      end(error instanceof Error ? error.message : 'an unknown error', error);
    });
    this.#worker.on('exit', (code) => {
      end(`exit code ${code}`);
    });
  }

  #settle(message: Extract<WorkerMessage, { id: number }>): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.kind === 'result') waiting?.resolve(message.result);
    else waiting?.reject(errorFrom(message.error));
  }
}

function errorFrom({ code, message, retriable, poison, stack }: ErrorMessage): PipelineError {
  return new PipelineError(code, message, { retriable, poison, cause: stack });
}
