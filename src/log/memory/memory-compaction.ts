import type { LogRecord } from '../port.ts';
import type { MemoryStore } from './memory-store.ts';

/** Keeps the latest record of each key, and a deletion until it is old enough and every group has read past it. */
export function compactMemory(store: MemoryStore, topic: string, tombstonesUntilMs: number): void {
  const { partitionInfo } = store.describe(topic);
  const commits = [...store.groups.values()].flatMap((group) => {
    const offsets = [...group.offsets.values()].filter((commit) => commit.topic === topic);
    return offsets.length === 0 ? [] : [new Map(offsets.map(({ partition, offset }) => [partition, offset]))];
  });
  for (const { partition } of partitionInfo) {
    const target = store.partition(topic, partition);
    const readByAll = Math.min(...commits.map((offsets) => offsets.get(partition) ?? 0));
    const isOver = (record: LogRecord): boolean =>
      record.value === null && record.timestampMs <= tombstonesUntilMs && record.offset < readByAll;
    const latest = new Map(target.records.map((record) => [keyText(record.key), record.offset]));
    target.records = target.records.filter(
      (record) => record.key === null || (latest.get(keyText(record.key)) === record.offset && !isOver(record)),
    );
  }
}

function keyText(key: Uint8Array | null): string {
  return key === null ? '' : `k${Buffer.from(key).toString('latin1')}`;
}
