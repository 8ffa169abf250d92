import { Worker } from 'node:worker_threads';
import type { FinishedShard, ShardFormat, ShardOptions, ShardRows, ShardWriter } from './port.ts';
import type { Compression, EncoderFormat, VectorDtype } from './shard-encoder.ts';
import { RowMemory } from './row-memory.ts';
import type { WorkerReply, WorkerRequest } from './worker-messages.ts';
import { fatalError, PipelineError } from '../errors.ts';

/** Rows on their way to the worker: enough that it never waits, little enough to stay small. */
const MAX_IN_FLIGHT_BYTES = 8 << 20;

type RequestBody = WorkerRequest extends infer Each ? (Each extends unknown ? Omit<Each, 'call'> : never) : never;

interface Call {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** One worker thread that encodes every open shard of a format; it starts with the first one. */
export class EncoderThread {
  /** For rows. What the worker has written comes back. */
  readonly memory = new RowMemory(MAX_IN_FLIGHT_BYTES);
  readonly #calls = new Map<number, Call>();
  #worker: Worker | undefined;
  #lastCall = 0;
  #inFlightBytes = 0;
  #waiting: (() => void)[] = [];

  call(request: RequestBody, transfer: readonly ArrayBuffer[] = []): Promise<unknown> {
    const worker = (this.#worker ??= this.#start());
    worker.ref();
    const call = ++this.#lastCall;
    return new Promise((resolve, reject) => {
      this.#calls.set(call, { resolve, reject });
      worker.postMessage({ ...request, call }, [...transfer]);
    });
  }

  /** Resolves when there is room for another request; counts this one's bytes until `done` settles. */
  async account(bytes: number, done: Promise<unknown>): Promise<void> {
    this.#inFlightBytes += bytes;
    const release = (): void => {
      this.#inFlightBytes -= bytes;
      for (const wake of this.#waiting.splice(0)) wake();
    };
    void done.then(release, release);
    while (this.#inFlightBytes > MAX_IN_FLIGHT_BYTES) await new Promise<void>((wake) => this.#waiting.push(wake));
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
    this.#lose(fatalError('FILE_SINK_CLOSED', 'The sink was closed.'));
  }

  #start(): Worker {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const worker = new Worker(new URL(`./shard-worker.${extension}`, import.meta.url), {
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    worker.on('message', (reply: WorkerReply) => {
      this.#settle(reply);
      if (this.#calls.size === 0) worker.unref();
    });
    worker.on('error', (error) => {
      this.#lose(fatalError('FILE_SINK_WORKER', `The thread that encodes shards has died: ${String(error)}`, error));
    });
    worker.on('exit', (code) => {
      if (this.#worker === worker) this.#worker = undefined;
      this.#lose(fatalError('FILE_SINK_WORKER', `The thread that encodes shards has ended with code ${code}.`));
    });
    return worker;
  }

  #settle({ call, result, error, memory }: WorkerReply): void {
    if (memory !== undefined) this.memory.giveBack(memory);
    const waiting = this.#calls.get(call);
    this.#calls.delete(call);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new PipelineError(error.code, error.message, error));
  }

  #lose(error: PipelineError): void {
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) call.reject(error);
  }
}

class WorkerShardWriter implements ShardWriter {
  readonly #thread: EncoderThread;
  readonly #shard: number;
  #failure: Error | undefined;

  constructor(thread: EncoderThread, shard: number) {
    this.#thread = thread;
    this.#shard = shard;
  }

  room(bytes: number): Uint8Array<ArrayBuffer> {
    return this.#thread.memory.take(bytes);
  }

  /** Keeps the error of a request that nobody waits for, for the next call. */
  watch(request: Promise<unknown>): void {
    request.catch((error: unknown) => {
      this.#failure ??= error instanceof Error ? error : new Error(String(error));
    });
  }

  async write(rows: ShardRows): Promise<void> {
    this.#throwFailure();
    const bytes = rows.bytes.length;
    const transfer = [rows.bytes.buffer, rows.offsets.buffer, rows.starts.buffer];
    const written = this.#thread.call({ kind: 'write', shard: this.#shard, rows }, transfer);
    this.watch(written);
    await this.#thread.account(bytes, written);
    this.#throwFailure();
  }

  async finish(name: string): Promise<FinishedShard> {
    const finished = this.#thread.call({ kind: 'finish', shard: this.#shard, name });
    this.watch(finished);
    // Earlier writes are answered before this one: their failure is the cause.
    const result = await finished.catch((error: unknown) => {
      throw this.#failure ?? error;
    });
    this.#throwFailure();
    return result as FinishedShard;
  }

  async abort(): Promise<void> {
    await this.#thread.call({ kind: 'abort', shard: this.#shard });
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}

export interface WorkerFormatOptions {
  readonly format: EncoderFormat;
  /** Default fp32. Parquet keeps fp32. */
  readonly dtype?: VectorDtype;
  /** Default none. Parquet and npy are as they are. */
  readonly compression?: Compression;
  /** Of a single file, milliseconds since the epoch. Default 0. */
  readonly createdMs?: number;
}

const HOW_TO_READ: Readonly<Partial<Record<EncoderFormat, string>>> = {
  parquet: `import polars; polars.read_parquet("{folder}/*.parquet")  # column "vector" is an (N, D) array`,
  jsonl: `import json; rows = [json.loads(line) for line in open("{folder}/batch_001.jsonl")]  # gzip.open or zstandard for .gz and .zst`,
  npy: `import numpy, glob; numpy.concatenate([numpy.load(f) for f in sorted(glob.glob("{folder}/*.npy"))])  # row i is row i of the .metadata.parquet of the same name`,
};

/** A file format by its name (`npy` of fp16 is `npy-fp16`), each encoding in a worker thread of its own. */
export function createShardFormat({
  format,
  dtype = 'fp32',
  compression = 'none',
  createdMs = 0,
}: WorkerFormatOptions): ShardFormat {
  const thread = new EncoderThread();
  let lastShard = 0;
  return {
    name: format === 'npy' && dtype === 'fp16' ? 'npy-fp16' : format,
    howToRead: HOW_TO_READ[format] ?? '',
    open(options: ShardOptions): Promise<ShardWriter> {
      const shard = ++lastShard;
      const writer = new WorkerShardWriter(thread, shard);
      const spec = { ...options, format, dtype, compression, createdMs };
      writer.watch(thread.call({ kind: 'open', shard, spec }));
      return Promise.resolve(writer);
    },
    close: () => thread.close(),
  };
}
