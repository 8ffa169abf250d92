import type {
  GroupInfo,
  Log,
  LogRecord,
  OutputRecord,
  PartitionContext,
  PartitionTask,
  Progress,
  Task,
} from '../../../src/log/port.ts';

const NOTHING: Progress = { outputs: [] };

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : new TextDecoder().decode(bytes);
}

export function output(topic: string, key: string, value: string | null, partition?: number): OutputRecord {
  return {
    topic,
    key: bytesOf(key),
    value: value === null ? null : bytesOf(value),
    ...(partition === undefined ? {} : { partition }),
  };
}

/** Values `first` to `first + count - 1`, each its own key. */
export function numbered(topic: string, first: number, count: number, partition?: number): OutputRecord[] {
  return Array.from({ length: count }, (_, i) => output(topic, `k${first + i}`, String(first + i), partition));
}

export async function appendAll(log: Log, records: readonly OutputRecord[], id = 'test'): Promise<void> {
  const producer = await log.producer(id);
  await producer.append(records);
  await producer.close();
}

export async function readRecords(
  log: Log,
  topic: string,
  partition = 0,
  from = 0,
  to = Infinity,
): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const batch of log.read(topic, partition, from, to)) records.push(...batch.records);
  return records;
}

/** Values of all partitions, partition after partition. */
export async function readValues(log: Log, topic: string): Promise<(string | null)[]> {
  const info = (await log.topics()).find(({ name }) => name === topic);
  const values: (string | null)[] = [];
  for (const { partition } of info?.partitionInfo ?? []) {
    for (const record of await readRecords(log, topic, partition)) values.push(textOf(record.value));
  }
  return values;
}

export function byNumber(values: readonly (string | null)[]): number[] {
  return values.map(Number).sort((a, b) => a - b);
}

export function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

export async function committedOf(log: Log, group: string): Promise<GroupInfo['committed']> {
  return (await log.groups()).find((info) => info.group === group)?.committed ?? [];
}

/** A task whose calls a test writes; what it leaves out does nothing. */
export interface TaskScript {
  readonly group?: string;
  readonly inputs?: readonly string[];
  readonly startOffset?: number;
  readonly open?: (context: PartitionContext) => Promise<void> | void;
  readonly process?: (records: readonly LogRecord[], context: PartitionContext) => Promise<Progress> | Progress;
  readonly idle?: (reason: 'end' | 'quiet' | 'stop', context: PartitionContext) => Promise<Progress> | Progress;
  readonly committed?: (progress: Progress) => Promise<void> | void;
  readonly close?: (reason: 'done' | 'revoked' | 'failed') => void;
}

export function scripted(script: TaskScript): Task {
  return {
    group: script.group ?? 'g',
    inputs: script.inputs ?? ['in'],
    open: async (context): Promise<PartitionTask> => {
      await script.open?.(context);
      return {
        ...(script.startOffset !== undefined && { startOffset: script.startOffset }),
        process: async (records) => (await script.process?.(records, context)) ?? upTo(records),
        idle: async (reason) => (await script.idle?.(reason, context)) ?? NOTHING,
        committed: async (progress) => {
          await script.committed?.(progress);
        },
        close: (reason) => {
          script.close?.(reason);
          return Promise.resolve();
        },
      };
    },
  };
}

/** All of these are done with. */
export function upTo(records: readonly LogRecord[], outputs: readonly OutputRecord[] = []): Progress {
  const last = records.at(-1);
  return last === undefined ? NOTHING : { outputs, offset: last.offset + 1 };
}

/** Copies its input to a topic, partition by partition. */
export function copying(group: string, from: string, to: string): Task {
  return scripted({
    group,
    inputs: [from],
    process: (records, { partition }) =>
      upTo(
        records,
        records.map(({ key, value }) => ({ topic: to, partition, key, value })),
      ),
  });
}

/** Something that a test waits for. */
export interface Gate {
  readonly opened: Promise<void>;
  readonly open: () => void;
}

export function gate(): Gate {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  return {
    opened: promise,
    open: () => {
      resolve(undefined);
    },
  };
}

/** The error of a promise that must reject. */
export async function failureOf(promise: Promise<unknown>): Promise<Error & { code?: string; poison?: boolean }> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
    throw new Error(`Rejected with ${String(error)}, which is no Error.`, { cause: error });
  }
  throw new Error('It did not reject.');
}
