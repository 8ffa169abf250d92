import { describe, expect, it } from 'vitest';
import { topicDifferences, topicSettings } from '../../../src/log/kafka/topic-settings.ts';
import { compactedTopic, compressedTopic, deadLetterTopic } from '../../../src/log/topics.ts';

const records = compressedTopic('ns.records', 3);
const letters = deadLetterTopic('ns.dead-letters', 3);
const FOREVER = { 'retention.ms': '-1', 'retention.bytes': '-1' };

/** As made by us with these copies, but for what is changed. */
function differences(
  spec: typeof records,
  changed: Readonly<Record<string, string>>,
  { copies = 1, wanted }: { copies?: number; wanted?: number } = {},
): ReturnType<typeof topicDifferences> {
  const settings = { 'retention.ms': '604800000', 'retention.bytes': '-1', ...topicSettings(spec, copies), ...changed };
  return topicDifferences(
    spec,
    { replicationFactor: copies, settings: new Map(Object.entries(settings)) },
    wanted ?? copies,
  );
}

describe('what a topic should be', () => {
  it.each([records, letters, compactedTopic('ns.ledger.m', 3)])('$name as it is made differs in nothing', (spec) => {
    expect(differences(spec, {})).toEqual([]);
    expect(differences(spec, {}, { copies: 3 })).toEqual([]);
  });

  it.each([
    [{ 'cleanup.policy': 'delete' }, true],
    [{ 'cleanup.policy': 'compact,delete' }, true],
    [{ 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '100' }, true],
    [{ 'cleanup.policy': 'delete', ...FOREVER }, false],
    [{ 'cleanup.policy': 'compact, delete', ...FOREVER }, false],
  ])('records with %o are lost: %s', (changed, isHarmful) => {
    expect(differences(records, changed)).toMatchObject([{ setting: 'cleanup.policy', isHarmful, canAlter: true }]);
  });

  it.each([['compact'], ['compact,delete'], ['delete,compact']])('dead letters with %s are lost', (policy) => {
    expect(differences(letters, { 'cleanup.policy': policy })).toMatchObject([{ isHarmful: true, wanted: 'delete' }]);
  });

  it.each([
    [records, { 'max.message.bytes': '1048588' }, ['max.message.bytes']],
    [records, { 'max.message.bytes': '99999999' }, []],
    [records, { 'compression.type': 'producer' }, []],
    [records, { 'compression.type': 'gzip' }, ['compression.type']],
    [records, { 'delete.retention.ms': '1' }, ['delete.retention.ms']],
    [letters, { 'retention.ms': '1' }, ['retention.ms']],
    [letters, { 'retention.ms': '-1' }, []],
  ])('%o with %o differs in %o, harmlessly', (spec, changed, settings) => {
    const found = differences(spec, changed);
    expect(found.map(({ setting }) => setting)).toEqual(settings);
    expect(found.some(({ isHarmful }) => isHarmful)).toBe(false);
  });

  it('asks for as many in sync as the copies that there are allow, and says that there should be more', () => {
    expect(differences(records, { 'min.insync.replicas': '1' }, { copies: 3 })).toMatchObject([
      { setting: 'min.insync.replicas', value: '1', wanted: '2' },
    ]);
    expect(differences(records, {}, { copies: 1, wanted: 3 })).toEqual([
      { setting: 'replication.factor', value: '1', wanted: '3', isHarmful: false, canAlter: false },
    ]);
    expect(differences(records, {}, { copies: 3, wanted: 1 })).toEqual([]);
  });
});
