import { Worker } from 'node:worker_threads';
import { asClause, fatalError, messageOf, type PipelineError } from '../../errors.ts';
import { createDeferred } from './deferred.ts';
import type {
  CloseRequest,
  EmbedImagesRequest,
  EmbedRequest,
  TokeniseRequest,
  WorkerReply,
  WorkerSettings,
} from './messages.ts';
import { keepRuntimeTelemetryOff } from './runtime-telemetry.ts';

/** A request without its id; ids are given out here. */
export type Job = Omit<TokeniseRequest, 'id'> | Omit<EmbedRequest, 'id'> | Omit<EmbedImagesRequest, 'id'>;
export type JobReply = Extract<WorkerReply, { id: number }>;

export interface InferenceWorkersOptions {
  readonly settings: WorkerSettings;
  readonly count: number;
  /** The worker's script; tests put another in its place. */
  readonly script: URL;
}

/**
 * Jobs a worker holds: one that runs and one behind it, so that it goes on at once while the main thread is busy with
 * something else (writing a shard blocks it for longer than a batch takes to fetch).
 */
const JOBS_A_WORKER = 2;

/** A batch takes a tenth of a second; a model may still be loading. */
const PATIENCE_MS = 10_000;

interface Seat {
  readonly worker: Worker;
  readonly jobs: Map<number, (reply: JobReply) => void>;
}

/** The worker threads of one model: starts them, hands each its jobs, and notices when one dies. */
export class InferenceWorkers {
  /** Resolves when a worker has died unasked; nothing is answered after it. */
  readonly death: Promise<PipelineError>;
  readonly #options: InferenceWorkersOptions;
  readonly #die: (reason: string) => void;
  #seats: Seat[] = [];
  #nextId = 0;
  #closing = false;

  constructor(options: InferenceWorkersOptions) {
    this.#options = options;
    const { promise, resolve } = createDeferred<PipelineError>();
    this.death = promise;
    this.#die = (reason) => {
      resolve(stoppedWorking(options.settings, reason));
      void this.close();
    };
  }

  /** Loads the model in every worker; resolves to whether rows of unlike length may share a batch. */
  async start(): Promise<boolean> {
    keepRuntimeTelemetryOff();
    try {
      const loaded = await Promise.all(Array.from({ length: this.#options.count }, () => this.#startOne()));
      return loaded.every(Boolean);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Whether a worker would take a job now. */
  get hasRoom(): boolean {
    return this.#seats.some((seat) => seat.jobs.size < JOBS_A_WORKER);
  }

  /** Gives the job to the worker with the fewest. */
  submit(job: Job, onReply: (reply: JobReply) => void): void {
    const [first, ...others] = this.#seats;
    if (!first) return;
    const seat = others.reduce((least, other) => (other.jobs.size < least.jobs.size ? other : least), first);
    const id = this.#nextId++;
    seat.jobs.set(id, onReply);
    seat.worker.postMessage({ ...job, id }, buffersOf(job));
  }

  /** Whether open workers keep the process alive: they should while they work, and not because someone forgot them. */
  keepProcessAlive(alive: boolean): void {
    for (const { worker } of this.#seats) {
      if (alive) worker.ref();
      else worker.unref();
    }
  }

  async close(): Promise<void> {
    this.#closing = true;
    const seats = this.#seats;
    this.#seats = [];
    await Promise.all(seats.map(({ worker }) => endWorker(worker)));
  }

  #startOne(): Promise<boolean> {
    const { settings, script } = this.#options;
    const worker = new Worker(script, { workerData: settings, execArgv: ['--disable-warning=ExperimentalWarning'] });
    const seat: Seat = { worker, jobs: new Map() };
    this.#seats.push(seat);
    return new Promise((resolve, reject) => {
      let ready = false;
      const died = (reason: string): void => {
        if (!ready) reject(loadFailed(settings, reason));
        else if (!this.#closing) this.#die(reason);
      };
      worker.on('message', (reply: WorkerReply) => {
        if (reply.kind === 'ready') {
          ready = true;
          resolve(reply.pads);
        } else if (reply.kind === 'load-failed') {
          reject(loadFailed(settings, reply.reason));
        } else {
          const onReply = seat.jobs.get(reply.id);
          seat.jobs.delete(reply.id);
          onReply?.(reply);
        }
      });
      worker.on('error', (error: unknown) => {
        died(messageOf(error));
      });
      worker.on('exit', (code) => {
        died(`its worker thread ended with code ${code}`);
      });
    });
  }
}

/** What is transferred with a job. */
function buffersOf(job: Job): ArrayBuffer[] {
  if (job.kind === 'tokenise') return [];
  const arrays = job.kind === 'embed' ? [job.ids, job.lengths] : job.images;
  return arrays.map((array) => array.buffer as ArrayBuffer);
}

/**
 * Asks the worker to end and waits until it has. A thread that is terminated within a run of ONNX Runtime takes the
 * whole process with it (an uncaught Napi::Error, SIGABRT), so that is left to a worker that does not answer.
 */
async function endWorker(worker: Worker): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    worker.once('exit', () => {
      resolve();
    });
  });
  if (worker.threadId < 0) return;
  worker.ref();
  worker.postMessage({ kind: 'close' } satisfies CloseRequest);
  const timer = setTimeout(() => void worker.terminate(), PATIENCE_MS);
  await ended;
  clearTimeout(timer);
}

function stoppedWorking(settings: WorkerSettings, reason: string): PipelineError {
  return fatalError(
    'MODEL_FAILED',
    `The model ${settings.model} stopped working: ${reason}. Nothing of the work in flight is kept; start the command ` +
      'again (with fewer --workers if memory ran out).',
  );
}

function loadFailed(settings: WorkerSettings, reason: string): PipelineError {
  return fatalError(
    'MODEL_LOAD_FAILED',
    `The model ${settings.model} could not be loaded from ${settings.graphPath}: ${asClause(reason)}. ` +
      'Check that its files are whole (the .json files and onnx/) and that memory suffices.',
    new Error(reason),
  );
}
