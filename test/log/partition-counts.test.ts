import { expect, it } from 'vitest';
import { commonPartitions } from '../../src/log/partition-counts.ts';
import type { TopicInfo } from '../../src/log/port.ts';

function topic(name: string, partitions: number, endOffset = 0): TopicInfo {
  const partitionInfo = Array.from({ length: partitions }, (_, partition) => ({
    partition,
    startOffset: 0,
    endOffset,
  }));
  return { name, partitions, cleanup: 'compact', partitionInfo };
}

it('is the number that all topics of a namespace have; other namespaces do not count', () => {
  expect(commonPartitions([], 'museum')).toBeUndefined();
  const others = [topic('museum.eu.records', 9, 1), topic('museum.notes', 8, 1), topic('museums.records', 7, 1)];
  expect(commonPartitions(others, 'museum')).toBeUndefined();
  const ours = [topic('museum.records', 3, 1), topic('museum.ledger.source.a', 3), topic('museum.shards.x', 3)];
  expect(commonPartitions([...others, ...ours], 'museum')).toBe(3);
});

it.each([
  ['topics apply --namespace=museum', [topic('museum.records', 6, 4), topic('museum.dead-letters', 3)]],
  ['topics apply --namespace=museum', [topic('museum.records', 6), topic('museum.shards.x', 3)]],
  [
    'topics repartition --namespace=museum --partitions=6 --into=NAMESPACE',
    [topic('museum.records', 6, 4), topic('museum.ledger.m', 3, 1), topic('museum.embeddings.m', 3, 1)],
  ],
])('otherwise it is refused with what mends it: %s', (command, topics) => {
  expect(() => commonPartitions(topics, 'museum')).toThrow(
    expect.objectContaining({
      code: 'LOG_PARTITION_MISMATCH',
      message: expect.stringMatching(new RegExp(`6 in museum\\.records; 3 in .*embedstream ${command}$`)) as string,
    }),
  );
});
