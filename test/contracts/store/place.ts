import { mkdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { createCodec } from '../../../src/codec/create-codec.ts';
import { LockFile } from '../../../src/log/embedded/lock-file.ts';
import { topicNames } from '../../../src/log/topics.ts';
import { createEmbedder } from '../../../src/models/create-embedder.ts';
import { EmbeddingTask, ensureProcessorTopics } from '../../../src/processors/embedding-task.ts';
import { openSource } from '../../../src/producers/open-source.ts';
import { publish } from '../../../src/producers/publisher.ts';
import { documentRow, newPlace, onlyJson, type Exit, type Place, type Running } from '../../cli/pipeline/runner.ts';

/** Where an output is kept for one test. */
export interface OutputTarget {
  /** Flags that say where it is, for `sink`, `replay` and `embed`; `tiny-bert` has 32 numbers a vector. */
  flags(model: string): readonly string[];
  /** The flags of these that `reconcile` needs, too: credentials come from the factory's environment. */
  readonly connectionFlags?: readonly string[];
  /** What it holds of a model, read by something else than the sink: id to vector. */
  contents(model: string): Promise<ReadonlyMap<string, ArrayLike<number>>>;
  /** Changes it behind the sink's back; left out: files, which `reconcile` tells by their checksums. */
  readonly damage?: {
    remove(model: string, id: string): Promise<void>;
    /** Gives the embedding another `createdAt`. */
    age(model: string, id: string): Promise<void>;
    /** Puts an embedding there that no log knows. */
    add(model: string, id: string): Promise<void>;
  };
  /** Makes it unreachable; the answer brings it back. Left out: it can't be away. */
  away?(): Promise<() => Promise<void>>;
  /**
   * A writer that is frozen between its look whether it still owns the partition and the write (docs/sinks.md) may bring rows
   * back that were deleted meanwhile, never an old value of one that is there.
   */
  readonly mayReviveDeleted?: boolean;
  dispose?(): Promise<void>;
}

export interface OutputFactory {
  /** As `sink` takes it. */
  readonly name: string;
  /** Not a set of files. */
  readonly isStore: boolean;
  /** For every command. */
  readonly environment?: Readonly<Record<string, string>>;
  /** A new, empty one; `folder` is there for what it needs. Several models go to it, one after the other. */
  create(folder: string): Promise<OutputTarget>;
  /** A row whose embedding it refuses for its id, with the code of the dead letter. */
  readonly refused?: {
    readonly id: string;
    readonly code: string;
    /** It takes the records as well, and refuses that of the row, too. */
    readonly ofRecords?: boolean;
  };
  /** An id that it takes and no log has; default `stray`. */
  readonly strayId?: string;
}

/** Until a signal has stopped a process for sure. */
const FREEZE_MS = 50;
const THAW_MS = 5;
export const MODEL = 'hashed-384';
const topics = topicNames('embedstream');
const codec = createCodec();

/** A log and an output, worked on by the real commands. */
export class OutputPlace {
  readonly place: Place;
  readonly factory: OutputFactory;
  readonly target: OutputTarget;
  readonly #poisoned = new Set<string>();

  static async create(factory: OutputFactory): Promise<OutputPlace> {
    const place = newPlace();
    const target = await factory.create(folderOf(place, 'target'));
    onTestFinished(async () => target.dispose?.());
    return new OutputPlace(place, factory, target);
  }

  constructor(place: Place, factory: OutputFactory, target: OutputTarget) {
    this.place = place;
    this.factory = factory;
    this.target = target;
  }

  /** The same log with an output of its own. */
  async another(): Promise<OutputPlace> {
    const target = await this.factory.create(folderOf(this.place, 'another-target'));
    onTestFinished(async () => target.dispose?.());
    return new OutputPlace(this.place, this.factory, target);
  }

  start(...args: string[]): Running {
    const { environment = {} } = this.factory;
    return this.place.start(args, { environment });
  }

  /**
   * Freezes it after `afterMs`, but not while it opens the log or writes to it, which would keep everybody else from it.
   * Answers with how it ended where it was faster.
   */
  async freeze(running: Running, afterMs: number): Promise<Exit | undefined> {
    for (let waitMs = afterMs; ; waitMs = THAW_MS) {
      const early = await interrupt(running, 'SIGSTOP', waitMs);
      if (early !== undefined) return early;
      await delay(FREEZE_MS);
      if (!this.#isLogLocked()) return undefined;
      running.child.kill('SIGCONT');
    }
  }

  #isLogLocked(): boolean {
    if (LockFile.isHeld(this.place.path('.embedstream', 'open.lock'))) return true;
    const lock = LockFile.tryAcquire(this.place.path('.embedstream', 'log.db'));
    lock?.release();
    return lock === undefined;
  }

  /** Runs a command with --json to its end, which must be this one. */
  async run(args: readonly string[], code = 0): Promise<Record<string, unknown>> {
    const exit = await this.start(...args, '--json').ended;
    // All of it is shown when it is another code.
    expect(exit).toEqual({ ...exit, code });
    return onlyJson(exit.stdout, exit.stderr) as unknown as Record<string, unknown>;
  }

  sinkArguments(...more: string[]): string[] {
    return ['sink', this.factory.name, ...this.flagsOf(MODEL), `--model=${MODEL}`, ...more];
  }

  flagsOf(model: string): readonly string[] {
    return this.target.flags(model);
  }

  /** Runs the sink; what it says that it did. */
  async sink(more: readonly string[] = [], code = 0): Promise<Record<string, unknown>> {
    const { sunk } = await this.run(this.sinkArguments(...more), code);
    return (sunk as Record<string, unknown>[])[0] ?? {};
  }

  reconcile(more: readonly string[] = [], code = 0): Promise<Record<string, unknown>> {
    return this.run(['reconcile', ...(this.target.connectionFlags ?? []), ...more], code);
  }

  /** Makes these documents, and no others, the source, and embeds what is new. `texts`: other texts, by number. */
  feed(documents: readonly number[], texts: ReadonlyMap<number, string> = new Map()): Promise<void> {
    return this.feedRows(documents.map((i) => documentRow(i, texts.get(i))));
  }

  async feedRows(rows: Iterable<readonly (string | number)[]>): Promise<void> {
    const source = await openSource(this.place.writeRows('documents.csv', rows));
    const embedder = await createEmbedder({ model: MODEL });
    // What `produce` and `process` do, without a process of its own for each: what is held to a contract is the output.
    await this.place.withLog(async (log) => {
      const options = { log, codec, topics, clock: Date.now };
      await publish({ ...options, source, partitions: 1, prune: true, confirmPrune: () => Promise.resolve(true) });
      await ensureProcessorTopics(log, topics, MODEL, 1);
      const task = new EmbeddingTask({ ...options, embedder, namespace: 'embedstream' });
      await log.run(task, { until: 'end', maxBatchRecords: embedder.windowSize });
    });
  }

  /** The live embeddings of a model on the log: id to vector. */
  async expected(model = MODEL): Promise<Map<string, ArrayLike<number>>> {
    const live = await this.place.live(topics.embeddings(model));
    const vectors = new Map<string, ArrayLike<number>>();
    for (const [id, { value }] of live)
      if (value !== null && !this.#poisoned.has(id)) vectors.set(id, codec.decodeEmbedding(value).vector);
    return vectors;
  }

  /** After a writer was frozen: what is live is there as it is on the log, and `reconcile` tells and mends what came back. */
  async mendRevived(deleted: ReadonlySet<string>): Promise<void> {
    const [held, expected] = [await this.target.contents(MODEL), await this.expected()];
    const revived = [...held.keys()].filter((id) => !expected.has(id));
    expect(revived.filter((id) => !deleted.has(id))).toEqual([]);
    expectSame(new Map([...held].filter(([id]) => expected.has(id))), expected);
    if (revived.length === 0) return;
    expect(await this.reconcile([], 1)).toMatchObject({ differences: revived.length });
    await this.reconcile(['--repair']);
  }

  /** The output holds exactly what is live on the log, and `reconcile` says so. */
  async expectComplete(model = MODEL, expected?: ReadonlyMap<string, ArrayLike<number>>): Promise<void> {
    expectSame(await this.target.contents(model), expected ?? (await this.expected(model)));
    expect(await this.reconcile()).toMatchObject({ differences: 0 });
  }

  /** Appends a value to the embeddings topic that is none. */
  async poison(id: string, value: Uint8Array): Promise<void> {
    this.#poisoned.add(id);
    await this.place.withLog(async (log) => {
      const producer = await log.producer('poison');
      await producer.append([{ topic: topics.embeddings(MODEL), key: Buffer.from(id), value }]);
      await producer.close();
    });
  }

  /** Keys, values and reasons of the dead letters that the sink has written. */
  async letters(): Promise<{ id: string; value: string; reason: string }[]> {
    const all: { id: string; value: string; reason: string }[] = [];
    await this.place.withLog(async (log) => {
      const topic = (await log.topics()).find(({ name }) => name === topics.deadLetters);
      for (const { partition, endOffset } of topic?.partitionInfo ?? [])
        for await (const { records } of log.read(topics.deadLetters, partition, 0, endOffset))
          for (const { key, value, headers } of records) {
            const header = (name: string): string => Buffer.from(headers[`__connect.errors.${name}`] ?? []).toString();
            if (header('stage') !== 'sink') continue;
            const id = Buffer.from(key ?? []).toString();
            all.push({
              id,
              value: Buffer.from(value ?? []).toString('latin1'),
              reason: header('exception.class.name'),
            });
          }
    });
    return all;
  }
}

function folderOf(place: Place, name: string): string {
  const folder = place.path(name);
  mkdirSync(folder);
  return folder;
}

export function expectSame(
  actual: ReadonlyMap<string, ArrayLike<number>>,
  expected: ReadonlyMap<string, ArrayLike<number>>,
): void {
  expect([...actual.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [id, vector] of expected) {
    const found = actual.get(id) ?? [];
    expect(found.length, id).toBe(vector.length);
    for (let i = 0; i < vector.length; i++)
      if (Math.abs((found[i] ?? NaN) - (vector[i] ?? NaN)) > 1e-6 || found[i] === undefined)
        throw new Error(`${id}[${i}] is ${found[i]}, on the log ${vector[i]}`);
  }
}

/** Ends or stops a command at a random moment of its life; undefined: it had ended before. */
export async function interrupt(running: Running, signal: NodeJS.Signals, afterMs: number): Promise<Exit | undefined> {
  const timer = new AbortController();
  const first = await Promise.race([running.ended, delay(afterMs, undefined, { signal: timer.signal })]);
  timer.abort();
  if (first === undefined) running.child.kill(signal);
  return first;
}
