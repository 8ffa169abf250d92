import { groupFenced, groupOwned, partitionMismatch, topicUnknown } from '../log-errors.ts';
import type { AppendedRange, GroupMember, LogRecord, OutputRecord, TopicInfo, TopicSpec } from '../port.ts';
import { recordBytes, routeRecord } from '../routing.ts';

export interface MemoryPartition {
  records: LogRecord[];
  endOffset: number;
}

interface MemoryTopic {
  readonly spec: TopicSpec;
  readonly partitions: readonly MemoryPartition[];
}

interface MemoryGroup {
  /** Next offsets by `topic/partition`. */
  readonly offsets: Map<string, { readonly topic: string; readonly partition: number; readonly offset: number }>;
  epoch: number;
  owner: GroupMember | undefined;
}

type AppendListener = (touches: (topic: string, partition: number) => boolean) => void;

/** What a memory log keeps; several logs may share one, as several processes share a log on disk. */
export class MemoryStore {
  readonly topics = new Map<string, MemoryTopic>();
  readonly groups = new Map<string, MemoryGroup>();
  readonly producerEpochs = new Map<string, number>();
  readonly listeners = new Set<AppendListener>();

  ensureTopics(specs: readonly TopicSpec[]): void {
    for (const spec of specs) {
      const present = this.topics.get(spec.name)?.spec.partitions;
      if (present !== undefined && present !== spec.partitions) throw partitionMismatch(spec, present);
    }
    for (const spec of specs) {
      if (this.topics.has(spec.name)) continue;
      const partitions = Array.from({ length: spec.partitions }, () => ({ records: [], endOffset: 0 }));
      this.topics.set(spec.name, { spec: { ...spec }, partitions });
    }
  }

  describe(name: string): TopicInfo {
    const topic = this.topics.get(name);
    if (topic === undefined) throw topicUnknown(name);
    const partitionInfo = topic.partitions.map(({ endOffset }, partition) => ({
      partition,
      startOffset: 0,
      endOffset,
    }));
    return { ...topic.spec, partitionInfo };
  }

  partition(topic: string, partition: number): MemoryPartition {
    const found = this.topics.get(topic)?.partitions[partition];
    if (found === undefined) throw topicUnknown(topic);
    return found;
  }

  group(name: string): MemoryGroup {
    let group = this.groups.get(name);
    if (group === undefined) {
      group = { offsets: new Map(), epoch: 0, owner: undefined };
      this.groups.set(name, group);
    }
    return group;
  }

  /** All or nothing: every record is checked before the first is written. */
  append(outputs: readonly OutputRecord[], nowMs: number): readonly AppendedRange[] {
    const routed = outputs.map((output) => {
      recordBytes(output);
      return { output, partition: routeRecord(output, this.topics.get(output.topic)?.spec.partitions) };
    });
    const ranges = new Map<string, AppendedRange>();
    for (const { output, partition } of routed) {
      const target = this.partition(output.topic, partition);
      const offset = target.endOffset++;
      target.records.push(copyOf(output, offset, nowMs));
      const name = `${output.topic}/${partition}`;
      const firstOffset = ranges.get(name)?.firstOffset ?? offset;
      ranges.set(name, { topic: output.topic, partition, firstOffset, lastOffset: offset });
    }
    return [...ranges.values()];
  }

  notify(ranges: readonly AppendedRange[]): void {
    if (ranges.length === 0) return;
    const touched = new Set(ranges.map(({ topic, partition }) => `${topic}/${partition}`));
    for (const listener of this.listeners) listener((topic, partition) => touched.has(`${topic}/${partition}`));
  }

  acquire(name: string, owner: GroupMember, takeOver: boolean): number {
    const group = this.group(name);
    if (group.owner !== undefined && !takeOver) throw groupOwned(name, group.owner.name);
    group.owner = owner;
    return ++group.epoch;
  }

  checkEpoch(name: string, epoch: number): void {
    if (this.group(name).epoch !== epoch) throw groupFenced(name);
  }

  release(name: string, epoch: number): void {
    const group = this.group(name);
    if (group.epoch === epoch) group.owner = undefined;
  }
}

/** The caller may reuse its bytes. */
function copyOf(output: OutputRecord, offset: number, nowMs: number): LogRecord {
  const headers = Object.entries(output.headers ?? {}).map(([name, value]) => [name, Uint8Array.from(value)] as const);
  return {
    offset,
    timestampMs: output.timestampMs ?? nowMs,
    key: output.key === null ? null : Uint8Array.from(output.key),
    value: output.value === null ? null : Uint8Array.from(output.value),
    headers: Object.fromEntries(headers),
  };
}
