import { expect, it } from 'vitest';
import { batchNames, batchStem } from '../../src/sinks/batch-names.ts';

const file = (name: string): { name: string; bytes: number; sha256: string } => ({ name, bytes: 1, sha256: '' });

it('counts batches of a partition on from those that are committed', () => {
  const first = batchNames(0, []);
  expect([first(), first()]).toEqual(['batch_001', 'batch_002']);
  const files = ['_batch_002.keys.jsonl', 'batch_002.jsonl', '_e+0+0-1.deletions.jsonl', 'batch_999.jsonl.gz'];
  expect(batchNames(0, [{ files: files.map(file) }])()).toBe('batch_1000');
  expect(batchNames(12, [{ files: [file('batch_p12_007.jsonl.zst')] }])()).toBe('batch_p12_008');
});

it.each([
  ['batch_001.jsonl', 'batch_001'],
  ['batch_p3_1000.jsonl.gz', 'batch_p3_1000'],
  ['_batch_001.keys.jsonl', undefined],
  ['batch_01.jsonl', undefined],
  ['batch_001.json', undefined],
  ['progress.json', undefined],
])('%s is a batch: %s', (name, stem) => {
  expect(batchStem(name)).toBe(stem);
});
