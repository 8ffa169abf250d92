import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { named } from './counting.ts';

const COMMIT_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const STEP_SECONDS = [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

/** What a partition's task is asked to do: `open` restores its state, `committed` publishes what was staged. */
export type TaskStep = 'open' | 'process' | 'idle' | 'committed' | 'close';

/** Records and bytes (of keys and values). */
export interface Amount {
  readonly records: number;
  readonly bytes: number;
}

/** What passes between the log and the tasks. */
export interface LogMetrics {
  /** Handed to a task of a group. */
  consumed(group: string, topic: string, amount: Amount): void;
  /** Read without a group: to restore a state, to recount, to search. */
  scanned(topic: string, amount: Amount): void;
  appended(topic: string, amount: Amount): void;
  committed(group: string, seconds: number): void;
  retried(operation: string, code: string): void;
  step(group: string, step: TaskStep, seconds: number): void;
  /** How many more partitions a group has open here. */
  opened(group: string, more: number): void;
  /** How much more was handed to a group's task and is not committed. */
  queued(group: string, topic: string, more: Amount): void;
  lag(group: string, topic: string, partition: number, lag: number): void;
}

export function createLogMetrics(registry: Registry): LogMetrics {
  const counter = <Label extends string>(name: string, help: string, ...labels: Label[]): Counter<Label> =>
    new Counter(named(registry, name, help, labels));
  const gauge = <Label extends string>(name: string, help: string, ...labels: Label[]): Gauge<Label> =>
    new Gauge(named(registry, name, help, labels));

  const consumed = counter('consumed_records_total', 'Records handed to the task of a group.', 'group', 'topic');
  const consumedBytes = counter('consumed_bytes_total', 'Keys and values handed to a task.', 'group', 'topic');
  const scanned = counter('scanned_records_total', 'Records read without a group, as to restore a state.', 'topic');
  const scannedBytes = counter('scanned_bytes_total', 'Keys and values read without a group.', 'topic');
  const appended = counter('appended_records_total', 'Records appended by committed transactions.', 'topic');
  const appendedBytes = counter('appended_bytes_total', 'Keys and values appended.', 'topic');
  const retries = counter(
    'log_retries_total',
    'Calls to the log that failed and were made again.',
    'operation',
    'code',
  );
  const commitSeconds = new Histogram({
    ...named(registry, 'transaction_commit_seconds', 'From the begin of a transaction to its end, retries included.', [
      'group',
    ]),
    buckets: COMMIT_SECONDS,
  });
  const stepSeconds = new Histogram({
    ...named(registry, 'task_step_seconds', 'Calls of a partition task: open restores, committed publishes.', [
      'group',
      'step',
    ]),
    buckets: STEP_SECONDS,
  });
  const partitions = gauge('open_partitions', 'Partitions that the group has open in this process.', 'group');
  const queue = gauge('queue_records', 'Records handed to a task and not committed yet.', 'group', 'topic');
  const queueBytes = gauge('queue_bytes', 'Keys and values handed to a task, not committed yet.', 'group', 'topic');
  const lag = gauge('group_lag', 'Offsets that the group has not read yet.', 'group', 'topic', 'partition');

  return {
    consumed: (group, topic, { records, bytes }) => {
      consumed.inc({ group, topic }, records);
      consumedBytes.inc({ group, topic }, bytes);
    },
    scanned: (topic, { records, bytes }) => {
      scanned.inc({ topic }, records);
      scannedBytes.inc({ topic }, bytes);
    },
    appended: (topic, { records, bytes }) => {
      appended.inc({ topic }, records);
      appendedBytes.inc({ topic }, bytes);
    },
    committed: (group, seconds) => {
      commitSeconds.observe({ group }, seconds);
    },
    retried: (operation, code) => {
      retries.inc({ operation, code });
    },
    step: (group, step, seconds) => {
      stepSeconds.observe({ group, step }, seconds);
    },
    opened: (group, more) => {
      partitions.inc({ group }, more);
    },
    queued: (group, topic, more) => {
      queue.inc({ group, topic }, more.records);
      queueBytes.inc({ group, topic }, more.bytes);
    },
    lag: (group, topic, partition, offsets) => {
      lag.set({ group, topic, partition: String(partition) }, offsets);
    },
  };
}
