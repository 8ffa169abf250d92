import { describe, expect, it } from 'vitest';
import type { LedgerView, LiveVersion } from '../../../src/operations/dead-letters/latest-versions.ts';
import { stateOf } from '../../../src/operations/dead-letters/states.ts';

const letter = {
  stage: 'process',
  key: Buffer.from('id'),
  origin: { topic: 'test.records', partition: 0, offset: 10 },
  isLatest: true,
};
const entry: LedgerView = { outcome: 'dead-lettered', offset: 10, contentHash: 'aa' };
const live: LiveVersion = { offset: 10, isDeleted: false, contentHashes: ['aa', 'bb'] };
const evidence = { entry, live, committed: 11 };

describe('the state of a dead letter', () => {
  it.each([
    ['open: nothing has changed', letter, evidence, 'open'],
    ['in-source: it never was a record', { ...letter, stage: 'produce' }, evidence, 'in-source'],
    ['refused: by an output', { ...letter, stage: 'sink' }, evidence, 'refused'],
    ['superseded: a later letter stands for it', { ...letter, isLatest: false }, evidence, 'superseded'],
    ['open: no key, so nothing can replace it', { ...letter, key: null }, { ...evidence, entry: undefined }, 'open'],
    ['resolved: it was embedded', letter, { ...evidence, entry: { ...entry, outcome: 'embedded' } }, 'resolved'],
    ['resolved: the ledger forgot it', letter, { ...evidence, entry: undefined }, 'resolved'],
    ['resolved: deleted', letter, { ...evidence, live: { ...live, offset: 20, isDeleted: true } }, 'resolved'],
    ['resolved: gone from the topic', letter, { ...evidence, live: undefined }, 'resolved'],
    [
      'resolved: other content, which the processor may not have seen yet',
      letter,
      { ...evidence, live: { ...live, offset: 20, contentHashes: ['cc'] } },
      'resolved',
    ],
    ['open: only its metadata changed', letter, { ...evidence, live: { ...live, offset: 20 } }, 'open'],
    ['retried: queued', letter, { ...evidence, live: { ...live, offset: 20, attempt: 2 }, committed: 20 }, 'retried'],
    [
      'open: the processor went past its retry without an outcome',
      letter,
      { ...evidence, live: { ...live, offset: 20, attempt: 2 }, committed: 21 },
      'open',
    ],
  ] as const)('%s', (_, theLetter, theEvidence, state) => {
    expect(stateOf(theLetter, theEvidence)).toBe(state);
  });
});
