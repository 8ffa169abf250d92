import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { folderSegment, formatShardName, parseShardName } from '../../src/sinks/shard-name.ts';

const topic = fc.stringMatching(/^[a-zA-Z0-9._-]{1,60}$/);
const range = fc.tuple(topic, fc.nat(1_000_000), fc.maxSafeNat(), fc.maxSafeNat()).map(([name, partition, a, b]) => ({
  topic: name,
  partition,
  firstOffset: Math.min(a, b),
  lastOffset: Math.max(a, b),
}));

describe('shard names', () => {
  it('have 20 digits an offset', () => {
    const name = formatShardName({ topic: 'es.embeddings.m', partition: 3, firstOffset: 50_000, lastOffset: 99_999 });
    expect(name).toBe('es.embeddings.m+3+00000000000000050000-00000000000000099999');
  });

  it('parse to what they were made of', () => {
    fc.assert(
      fc.property(range, (value) => {
        expect(parseShardName(formatShardName(value))).toEqual(value);
      }),
    );
  });

  it('sort by offset within a partition', () => {
    fc.assert(
      fc.property(range, range, (a, b) => {
        const [left, right] = [formatShardName(a), formatShardName({ ...b, topic: a.topic, partition: a.partition })];
        if (a.firstOffset < b.firstOffset) expect(left < right).toBe(true);
      }),
    );
  });

  it.each([
    'manifest.json',
    'a+0+1-2',
    'a+01+00000000000000000001-00000000000000000002',
    'a+0+00000000000000000002-00000000000000000001',
    'a/b+0+00000000000000000001-00000000000000000002',
    'a+0+00000000000000000001-00000000000000000002.parquet',
    'a+0+00000000000000000001-99999999999999999999',
  ])('does not take %s for one', (name) => {
    expect(parseShardName(name)).toBeUndefined();
  });
});

describe('folderSegment', () => {
  it.each([
    ['all-MiniLM-L6-v2', 'all-MiniLM-L6-v2'],
    ['org/model', 'org-model'],
    ['../../etc', '--..-etc'],
    ['..', '-'],
    ['', '-'],
    ['a b\\c:d', 'a-b-c-d'],
  ])('%j becomes %j', (name, folder) => {
    expect(folderSegment(name)).toBe(folder);
  });

  it('never answers with a path, a hidden or a parent folder', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        expect(folderSegment(name)).toMatch(/^(?!\.)[a-zA-Z0-9._-]{1,150}$/);
      }),
    );
  });
});
