import { parentPort, workerData, type Transferable } from 'node:worker_threads';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PipelineError } from '../../errors.ts';
import { release } from '../../record/release.ts';
import { logClosed } from '../log-errors.ts';
import { BatchStore } from './batch-store.ts';
import { Compactor } from './compaction.ts';
import { openDatabase, type LogDatabase } from './database.ts';
import { GroupStore } from './group-store.ts';
import { offsetsAt } from './offset-search.ts';
import type {
  ErrorMessage,
  WorkerCall,
  WorkerCalls,
  WorkerMessage,
  WorkerOperation,
  WorkerSettings,
} from './protocol.ts';
import { integer } from './rows.ts';
import { asLogError } from './sqlite-errors.ts';
import { TopicStore } from './topic-store.ts';

/** The one thread of a log handle that touches its file. Calls are answered in turn; compaction lets others go first. */

/** How soon an append by another process is noticed. */
const POLL_MS = 50;

type Handlers = {
  readonly [Op in WorkerOperation]: (
    args: WorkerCalls[Op]['args'],
  ) => WorkerCalls[Op]['result'] | Promise<WorkerCalls[Op]['result']>;
};

const turn = async (): Promise<void> => {
  await nextTurn();
};

function send(message: WorkerMessage, transfer: readonly Transferable[] = []): void {
  parentPort?.postMessage(message, transfer);
}

function handlersOf(database: LogDatabase, dataDir: string): Handlers {
  const topics = new TopicStore(database);
  const batches = new BatchStore(database);
  const groups = new GroupStore(database, dataDir);
  const compactor = new Compactor(database, batches, dataDir);
  const watching = new ForeignCommits(database);
  let closing = false;
  return {
    ensureTopics: (specs) => {
      topics.ensure(specs);
      return null;
    },
    topicRows: () => topics.rows(),
    describe: (name) => topics.describe(name),
    groups: () => groups.list(),
    offsetsAt: ({ topic, timestampMs }) =>
      offsetsAt({ topics, batches, topic, timestampMs }, async () => {
        await turn();
        if (closing) throw logClosed();
      }),
    openProducer: (id) => groups.openProducer(id),
    append: (request) => {
      const appended = database.write(() => {
        groups.checkWriter(request.writer);
        const chunks = batches.append(request);
        if (request.commit !== undefined) {
          groups.setOffset(request.writer.id, request.commit.partitionId, request.commit.offset);
        }
        return chunks;
      });
      // SQLite has it; this thread makes too few objects for the collector to come by soon.
      release(request.buffer);
      return appended;
    },
    fetch: (range) => batches.fetch(range),
    acquireGroup: (request) => groups.acquire(request),
    checkGroup: ({ group, epoch }) => {
      groups.checkWriter({ kind: 'group', id: group, epoch });
      return null;
    },
    releaseGroup: ({ group, epoch }) => {
      groups.release(group, epoch);
      return null;
    },
    resetGroup: ({ group, offsets }) => {
      groups.reset(group, offsets);
      return null;
    },
    watch: (on) => {
      watching.set(on);
      return null;
    },
    compact: async (request) => {
      const wanted = topics.rows().filter(({ name }) => request.topics?.includes(name) ?? true);
      await compactor.compact(wanted, request, async () => {
        await turn();
        if (closing) throw logClosed();
      });
      return null;
    },
    close: async (request) => {
      closing = true;
      watching.set(false);
      groups.releaseAll();
      try {
        for (const topic of topics.rows()) {
          if (await compactor.isWorthwhile(topic, request, turn)) await compactor.compact([topic], request, turn);
        }
      } finally {
        database.connection.close();
      }
      return null;
    },
  };
}

/** Polls a counter in shared memory that changes with every commit of another connection: no read of the file. */
class ForeignCommits {
  readonly #database: LogDatabase;
  #timer: NodeJS.Timeout | undefined;
  #version = 0;

  constructor(database: LogDatabase) {
    this.#database = database;
  }

  set(on: boolean): void {
    clearInterval(this.#timer);
    if (!on) return;
    this.#version = this.#read();
    this.#timer = setInterval(() => {
      const version = this.#read();
      if (version !== this.#version) send({ kind: 'changed' });
      this.#version = version;
    }, POLL_MS);
  }

  #read(): number {
    const row = this.#database.connection.prepare('PRAGMA data_version').get();
    return row === undefined ? 0 : integer(row, 'data_version');
  }
}

function errorMessageOf(error: PipelineError): ErrorMessage {
  const { code, message, retriable, poison, stack } = error;
  return { code, message, retriable, poison, ...(stack === undefined ? {} : { stack }) };
}

async function answer(handlers: Handlers, { id, op, args }: WorkerCall, path: string): Promise<void> {
  // Arguments and handler belong to the same operation, which the type of a union does not say.
  const handler = handlers[op] as (args: unknown) => unknown;
  try {
    const result = await handler(args);
    send({ kind: 'result', id, result }, buffersOf(op, result));
  } catch (error) {
    send({ kind: 'error', id, error: errorMessageOf(asLogError(error, path)) });
  }
}

/** What a fetch hands over is moved, not copied. */
function buffersOf(op: WorkerOperation, result: unknown): readonly ArrayBuffer[] {
  if (op !== 'fetch') return [];
  return (result as WorkerCalls['fetch']['result']).segments.map(({ bytes }) => bytes.buffer);
}

async function main(settings: WorkerSettings): Promise<void> {
  try {
    const database = await openDatabase(settings);
    const handlers = handlersOf(database, settings.dataDir);
    parentPort?.on('message', (call: WorkerCall) => void answer(handlers, call, database.path));
    send({ kind: 'ready' });
  } catch (error) {
    send({ kind: 'failed', error: errorMessageOf(asLogError(error, settings.dataDir)) });
  }
}

await main(workerData as WorkerSettings);
