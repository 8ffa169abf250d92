import { ForwardingLog } from '../log/forwarding-log.ts';
import type {
  Log,
  LogRecord,
  PartitionTask,
  ReadOptions,
  RecordBatch,
  RunOptions,
  Task,
  TopicSpec,
} from '../log/port.ts';
import type { SchemaLearner } from './schema-learner.ts';
import type { SubjectRegistrar } from './subject-registrar.ts';

/**
 * A log whose topics get their schemas before they get records, and whose readers get no record before the schema that
 * it was written with is known.
 */
export class RegistryLog extends ForwardingLog {
  readonly #registrar: SubjectRegistrar;
  readonly #learner: SchemaLearner;

  constructor(log: Log, registrar: SubjectRegistrar, learner: SchemaLearner) {
    super(log);
    this.#registrar = registrar;
    this.#learner = learner;
  }

  override async ensureTopics(specs: readonly TopicSpec[]): Promise<void> {
    // A topic that is there has its subject: what is killed in between leaves a subject without a topic.
    await this.#registrar.register(
      specs.map(({ name }) => name),
      () => this.#topicsWithRecords(),
    );
    await this.inner.ensureTopics(specs);
  }

  override run(task: Task, options?: RunOptions): Promise<void> {
    return this.inner.run(
      {
        group: task.group,
        inputs: task.inputs,
        open: async (context) => this.#learning(await task.open(context), context.signal),
      } satisfies Required<Task>,
      options,
    );
  }

  override async *read(
    topic: string,
    partition: number,
    from: number,
    to: number,
    options?: ReadOptions,
  ): AsyncGenerator<RecordBatch> {
    for await (const batch of this.inner.read(topic, partition, from, to, options)) {
      await this.#learner.learn(batch.records, options?.signal);
      yield batch;
    }
  }

  /** Hands over the very records it is handed. */
  #learning(task: PartitionTask, signal: AbortSignal): PartitionTask {
    const { startOffset, keepsNothing = false } = task;
    const wrapped = {
      keepsNothing,
      process: (records: readonly LogRecord[]) => {
        const learnt = this.#learner.learn(records, signal);
        return learnt === undefined ? task.process(records) : learnt.then(() => task.process(records));
      },
      idle: (reason) => task.idle(reason),
      committed: async (progress) => task.committed?.(progress),
      close: (reason) => task.close(reason),
    } satisfies Required<Omit<PartitionTask, 'startOffset'>>;
    return startOffset === undefined ? wrapped : { ...wrapped, startOffset };
  }

  async #topicsWithRecords(): Promise<ReadonlySet<string>> {
    const topics = await this.inner.topics();
    const written = topics.filter(({ partitionInfo }) =>
      partitionInfo.some(({ startOffset, endOffset }) => endOffset > startOffset),
    );
    return new Set(written.map(({ name }) => name));
  }
}
