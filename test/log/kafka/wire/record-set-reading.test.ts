import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AbortedTransaction } from '../../../../src/log/kafka/wire/aborted-transactions.ts';
import { RecordSet } from '../../../../src/log/kafka/wire/record-set.ts';
import { kafkajsBatch, marker, type Codec } from './kafkajs-batches.ts';

/** A partition as a broker would have it after these steps, and what a reader has to find in it. */
interface Partition {
  readonly batches: readonly { readonly bytes: Buffer; readonly lastOffset: number }[];
  readonly aborted: readonly (AbortedTransaction & { readonly markerOffset: number })[];
  readonly committed: readonly number[];
  readonly endOffset: number;
}

interface Step {
  readonly producer: number;
  readonly does: 'append' | 'plain' | 'commit' | 'abort';
  /** false: compaction took this record. */
  readonly records: readonly boolean[];
  readonly codec: Codec;
}

const step: fc.Arbitrary<Step> = fc.record({
  producer: fc.nat(2),
  does: fc.constantFrom('append', 'append', 'append', 'plain', 'commit', 'abort'),
  records: fc.array(
    fc.nat(4).map((n) => n > 0),
    { minLength: 1, maxLength: 5 },
  ),
  codec: fc.constantFrom('none', 'none', 'gzip', 'zstd'),
});

async function partitionOf(steps: readonly Step[]): Promise<Partition> {
  const batches: { bytes: Buffer; lastOffset: number }[] = [];
  const aborted: (AbortedTransaction & { markerOffset: number })[] = [];
  const committed: number[] = [];
  const open = new Map<bigint, { firstOffset: number; offsets: number[] }>();
  let next = 100;
  const ends = [0, 1, 2].map((producer) => ({ producer, does: 'abort' as const, records: [], codec: 'none' as const }));
  for (const { producer, does, records, codec } of [...steps, ...ends]) {
    const producerId = BigInt(producer + 1);
    if (does === 'commit' || does === 'abort') {
      const transaction = open.get(producerId);
      if (transaction === undefined) continue;
      open.delete(producerId);
      if (does === 'commit') committed.push(...transaction.offsets);
      else aborted.push({ producerId, firstOffset: transaction.firstOffset, markerOffset: next });
      batches.push({ bytes: await marker(next, producerId, does), lastOffset: next++ });
      continue;
    }
    const kept = records.flatMap((isKept, offsetDelta) => (isKept ? [offsetDelta] : []));
    const offsets = kept.map((offsetDelta) => next + offsetDelta);
    const transactional = does === 'append';
    if (transactional) {
      const transaction = open.get(producerId) ?? { firstOffset: next, offsets: [] };
      transaction.offsets.push(...offsets);
      open.set(producerId, transaction);
    } else {
      committed.push(...offsets);
    }
    const bytes = await kafkajsBatch({
      baseOffset: next,
      lastOffsetDelta: records.length - 1,
      producerId,
      transactional,
      codec: kept.length === 0 ? 'none' : codec,
      records: kept.map((offsetDelta) => ({ offsetDelta, key: Buffer.alloc(4), value: Buffer.alloc(offsetDelta * 3) })),
    });
    next += records.length;
    batches.push({ bytes, lastOffset: next - 1 });
  }
  return { batches, aborted, committed: committed.toSorted((a, b) => a - b), endOffset: next };
}

/** What the broker answers: from the batch that holds `from` on, cut after so many bytes. */
function answer(partition: Partition, from: number, maxBytes: number): Buffer<ArrayBuffer> {
  const wanted = partition.batches.filter(({ lastOffset }) => lastOffset >= from);
  return Buffer.concat(wanted.map(({ bytes }) => bytes)).subarray(0, maxBytes);
}

describe('reading a partition by record sets', () => {
  it('finds what was committed, once and in order, however it is asked for', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 25 }),
        fc.nat(70),
        fc.oneof(fc.nat(90), fc.constant(Infinity)),
        fc.integer({ min: 1, max: 900 }),
        fc.integer({ min: 1, max: 7 }),
        async (steps, skip, length, firstMaxBytes, takes) => {
          const partition = await partitionOf(steps);
          const from = 100 + skip;
          const to = from + length;
          const read: number[] = [];
          let maxBytes = firstMaxBytes;
          for (let at = from; at < Math.min(to, partition.endOffset);) {
            const aborted = partition.aborted.filter(({ markerOffset }) => markerOffset >= at);
            const set = new RecordSet(answer(partition, at, maxBytes), {
              topic: 't',
              partition: 0,
              from: at,
              to,
              aborted,
            });
            const expected = partition.committed.filter((offset) => offset >= at && offset < set.nextOffset);
            expect(set.isEmpty()).toBe(expected.length === 0);
            const offsets: number[] = [];
            for (let taken = set.take(takes); taken.length > 0; taken = set.take(takes)) {
              expect(taken.length).toBeLessThanOrEqual(takes);
              offsets.push(...taken.map(({ offset }) => offset));
              expect(set.isEmpty()).toBe(offsets.length === expected.length);
            }
            expect(offsets).toEqual(expected);
            if (set.neededBytes === undefined) {
              expect(set.nextOffset).toBeGreaterThan(at);
              maxBytes = firstMaxBytes;
            } else {
              expect(set.nextOffset).toBe(at);
              expect(set.neededBytes).toBeGreaterThan(maxBytes);
              maxBytes = set.neededBytes;
            }
            at = set.nextOffset;
            read.push(...offsets);
          }
          expect(read).toEqual(partition.committed.filter((offset) => offset >= from && offset < to));
        },
      ),
      { numRuns: 300 },
    );
  });
});
