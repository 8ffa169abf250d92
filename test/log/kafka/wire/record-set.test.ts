import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PipelineError } from '../../../../src/errors.ts';
import { RecordBatchWriter } from '../../../../src/log/kafka/wire/record-batch-writer.ts';
import { RecordSet, type RecordSetOptions } from '../../../../src/log/kafka/wire/record-set.ts';
import { kafkajsBatch, kafkajsMessages, marker, withChecksum, type BatchOptions } from './kafkajs-batches.ts';
import { batchRecord, ofKafkajs, plain } from './records.ts';

const ALL: RecordSetOptions = { topic: 'orders', partition: 3, from: 0, to: Infinity, aborted: [] };

function setOf(batches: readonly Buffer[], options: Partial<RecordSetOptions> = {}): RecordSet {
  return new RecordSet(Buffer.concat(batches), { ...ALL, ...options });
}

function named(...names: string[]): BatchOptions['records'] {
  return names.map((name) => ({ key: Buffer.from(name), value: Buffer.from(name), timestampMs: 1_000 }));
}

function offsetsOf(set: RecordSet, max = 1_000): number[] {
  return set.take(max).map(({ offset }) => offset);
}

function outcomeOf(set: RecordSet): string {
  try {
    return `${set.take(9).length} record`;
  } catch (error) {
    return error instanceof PipelineError ? error.code : String(error);
  }
}

describe('RecordSet', () => {
  it('reads what RecordBatchWriter wrote, and what kafkajs reads in it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(batchRecord, { minLength: 1, maxLength: 30 }),
        fc.constantFrom('none' as const, 'zstd' as const),
        async (records, compression) => {
          const writer = new RecordBatchWriter();
          for (const record of records) writer.add(record);
          const identity = { producerId: 9n, producerEpoch: 0, baseSequence: 0, transactional: true };
          const batch = await writer.finish({ ...identity, compression });
          batch.writeBigInt64BE(8_589_934_592n, 0);
          const read = setOf([batch], { from: 8_589_934_592 }).take(100);
          expect(read.map(plain)).toEqual(records.map(plain));
          expect(read.map(({ offset }) => offset)).toEqual(records.map((_, i) => 8_589_934_592 + i));
          expect((await kafkajsMessages(batch)).map(ofKafkajs).map(plain)).toEqual(read.map(plain));
        },
      ),
    );
  });

  it.each(['none', 'gzip', 'zstd'] as const)('reads what kafkajs wrote with compression %s', async (codec) => {
    const records = named('a', 'b', 'c');
    const set = setOf([await kafkajsBatch({ baseOffset: 40, records, codec })], { from: 40 });
    expect(set.nextOffset).toBe(43);
    expect(set.isEmpty()).toBe(false);
    const read = set.take(10);
    expect(read.map(plain)).toEqual(records.map(plain));
    expect(read.map(({ offset }) => offset)).toEqual([40, 41, 42]);
    expect(set.isEmpty()).toBe(true);
    expect(set.take(1)).toEqual([]);
  });

  it('hands over views of the answer, where nothing is compressed', async () => {
    const bytes = await kafkajsBatch({ records: named('abc') });
    const [record] = setOf([])
      .take(1)
      .concat(new RecordSet(bytes as Buffer<ArrayBuffer>, ALL).take(1));
    expect(record?.value?.buffer).toBe(bytes.buffer);
  });

  it('hands over as much as is asked for, over batches', async () => {
    const batches = [
      await kafkajsBatch({ records: named('a', 'b', 'c'), codec: 'zstd' }),
      await kafkajsBatch({ baseOffset: 3, records: named('d', 'e') }),
    ];
    const set = setOf(batches);
    expect(offsetsOf(set, 2)).toEqual([0, 1]);
    expect(set.isEmpty()).toBe(false);
    expect(offsetsOf(set, 2)).toEqual([2, 3]);
    expect(offsetsOf(set, 2)).toEqual([4]);
    expect(set.isEmpty()).toBe(true);
  });

  it('begins and ends inside of batches', async () => {
    const batches = [
      await kafkajsBatch({ records: named('a', 'b', 'c', 'd') }),
      await kafkajsBatch({ baseOffset: 4, records: named('e', 'f', 'g', 'h') }),
      await kafkajsBatch({ baseOffset: 8, records: named('i') }),
    ];
    const set = setOf(batches, { from: 2, to: 6 });
    expect(set.nextOffset).toBe(6);
    expect(offsetsOf(set)).toEqual([2, 3, 4, 5]);
    expect(setOf(batches, { from: 2, to: 8 }).nextOffset).toBe(8);
    expect(setOf(batches, { from: 2, to: 9 }).nextOffset).toBe(9);
    expect(setOf(batches, { from: 2, to: 99 }).nextOffset).toBe(9);
    expect(setOf(batches, { from: 2, to: 2 })).toMatchObject({ nextOffset: 2, neededBytes: undefined });
  });

  it('goes on at the limit when the next batch is behind it', async () => {
    const batches = [
      await kafkajsBatch({ records: named('a') }),
      // Not looked into: this codec would be refused.
      await kafkajsBatch({ baseOffset: 50, records: named('b'), codec: 'lz4' }),
    ];
    const set = setOf(batches, { to: 20 });
    expect(set.nextOffset).toBe(20);
    expect(offsetsOf(set)).toEqual([0]);
    expect(set.isEmpty()).toBe(true);
  });

  it('knows that nothing is left in gaps', async () => {
    const batches = [
      // Compaction took offsets 2 to 6 out of this batch, and all records out of the next one.
      await kafkajsBatch({ records: named('a', 'b'), lastOffsetDelta: 6 }),
      await kafkajsBatch({ baseOffset: 7, records: [], lastOffsetDelta: 4 }),
    ];
    const after = setOf(batches, { from: 2 });
    expect(after.nextOffset).toBe(12);
    expect(after.isEmpty()).toBe(true);
    expect(offsetsOf(setOf(batches))).toEqual([0, 1]);
    const within = setOf(
      [await kafkajsBatch({ records: named('a', 'z').map((r, i) => ({ ...r, offsetDelta: i * 9 })) })],
      {
        from: 1,
        to: 9,
      },
    );
    expect(within.isEmpty()).toBe(true);
    expect(within.nextOffset).toBe(9);
  });

  it('has nothing in an empty answer', () => {
    const set = setOf([], { from: 12 });
    expect(set.isEmpty()).toBe(true);
    expect(set.take(5)).toEqual([]);
    expect(set).toMatchObject({ nextOffset: 12, neededBytes: undefined });
  });

  it('leaves out the batch that is cut off, wherever the cut is', async () => {
    const first = await kafkajsBatch({ baseOffset: 5, records: named('a', 'b'), codec: 'gzip' });
    const second = await kafkajsBatch({ baseOffset: 7, records: named('c') });
    const whole = Buffer.concat([first, second]);
    for (let cut = 0; cut <= whole.length; cut++) {
      const set = setOf([whole.subarray(0, cut)], { from: 5 });
      const complete = cut < first.length ? 0 : cut < whole.length ? 2 : 3;
      expect(offsetsOf(set)).toEqual([5, 6, 7].slice(0, complete));
      expect(set.nextOffset).toBe(5 + complete);
      // Less than the length field says at least that more is needed.
      const needed = cut === 0 || complete > 0 ? undefined : cut < 12 ? 61 : first.length;
      expect(set.neededBytes).toBe(needed);
    }
  });

  it("takes the broker's time where the broker stamped the batch", async () => {
    const set = setOf([await kafkajsBatch({ records: named('a', 'b'), appendTimeMs: 1_800_000_000_123 })]);
    expect(set.take(2).map(({ timestampMs }) => timestampMs)).toEqual([1_800_000_000_123, 1_800_000_000_123]);
  });

  it('reads timestamps on both sides of the base, as compaction leaves them', async () => {
    const times = [1_700_000_000_000, 1_500_000_000_001, 1_900_000_000_000];
    const records = named('a', 'b', 'c').map((record, i) => ({ ...record, timestampMs: times[i] ?? 0 }));
    const set = setOf([await kafkajsBatch({ records, baseTimestampMs: 1_700_000_000_500 })]);
    expect(set.take(3).map(({ timestampMs }) => timestampMs)).toEqual(times);
  });

  it('keeps the last of equal headers, reads a null one as empty, and minds no name', async () => {
    const record = Buffer.concat([
      Buffer.from([0, 0, 0, 1, 1, 10]), // attributes, deltas, key, value, 5 headers
      ...[
        ['a', '1'],
        ['a', '2'],
        ['__proto__', '3'],
        ['valueOf', '4'],
      ].map(([name = '', value = '']) =>
        Buffer.from([name.length * 2, ...Buffer.from(name), value.length * 2, ...Buffer.from(value)]),
      ),
      Buffer.from([2, 0x6e, 1]),
    ]);
    const empty = await kafkajsBatch({ records: [], lastOffsetDelta: 0 });
    const batch = Buffer.concat([empty, Buffer.from([record.length * 2]), record]);
    batch.writeInt32BE(batch.length - 12, 8);
    batch.writeInt32BE(1, 57);
    const [read] = setOf([withChecksum(batch)]).take(1);
    expect(read && plain(read)).toMatchObject({
      headers: [
        ['a', '32'],
        ['__proto__', '33'],
        ['valueOf', '34'],
        ['n', ''],
      ],
    });
    expect(Object.getPrototypeOf(read?.headers)).toBe(Object.prototype);
  });
});

describe('RecordSet under read_committed', () => {
  /** Two aborted transactions of producer 1, around and between records of others. */
  async function interleaved(): Promise<Buffer[]> {
    return [
      await kafkajsBatch({ baseOffset: 0, producerId: 1n, transactional: true, records: named('x', 'x') }),
      await kafkajsBatch({ baseOffset: 2, producerId: 2n, transactional: true, records: named('y') }),
      await kafkajsBatch({ baseOffset: 3, producerId: 3n, transactional: true, records: named('ok') }),
      await marker(4, 2n, 'abort'),
      await kafkajsBatch({ baseOffset: 5, producerId: 1n, transactional: true, records: named('x'), codec: 'gzip' }),
      await kafkajsBatch({ baseOffset: 6, producerId: 2n, transactional: true, records: named('ok') }),
      await marker(7, 1n, 'abort'),
      await kafkajsBatch({ baseOffset: 8, producerId: 1n, transactional: true, records: named('ok') }),
      await marker(9, 1n, 'commit'),
      await marker(10, 2n, 'commit'),
      await kafkajsBatch({ baseOffset: 11, producerId: 1n, transactional: true, records: named('x') }),
      await kafkajsBatch({ baseOffset: 12, producerId: 1n, records: named('ok') }),
      await marker(13, 1n, 'abort'),
      await marker(14, 3n, 'commit'),
    ];
  }
  // As the broker lists them: by their ends.
  const aborted = [
    { producerId: 2n, firstOffset: 2 },
    { producerId: 1n, firstOffset: 0 },
    { producerId: 1n, firstOffset: 11 },
  ];

  it('leaves out what was rolled back, of several producers and in any order of the list', async () => {
    const batches = await interleaved();
    const orders = [aborted, aborted.toReversed(), aborted.toSorted((a, b) => a.firstOffset - b.firstOffset)];
    for (const order of orders) {
      const set = setOf(batches, { aborted: order });
      expect(offsetsOf(set)).toEqual([3, 6, 8, 12]);
      expect(set.nextOffset).toBe(15);
    }
  });

  it('has no committed record left behind the last one, though batches follow', async () => {
    const set = setOf(await interleaved(), { aborted, from: 13 });
    expect(set.isEmpty()).toBe(true);
    expect(set.nextOffset).toBe(15);
  });

  it("takes no user's key for a marker", async () => {
    const lookalike = [{ key: Buffer.alloc(4), value: Buffer.from('v') }];
    const batches = [
      await kafkajsBatch({ producerId: 1n, transactional: true, records: lookalike }),
      await kafkajsBatch({ baseOffset: 1, producerId: 1n, transactional: true, records: named('x') }),
      await marker(2, 1n, 'abort'),
      await kafkajsBatch({ baseOffset: 3, records: lookalike }),
    ];
    expect(offsetsOf(setOf(batches, { aborted: [{ producerId: 1n, firstOffset: 0 }] }))).toEqual([3]);
  });

  it('takes a control batch that compaction has emptied for no end', async () => {
    const producer = { producerId: 1n, transactional: true };
    const batches = [
      await kafkajsBatch({ ...producer, records: named('x') }),
      await kafkajsBatch({ ...producer, baseOffset: 1, control: true, records: [] }),
      await kafkajsBatch({ ...producer, baseOffset: 2, records: named('x') }),
      await marker(3, 1n, 'abort'),
      await kafkajsBatch({ ...producer, baseOffset: 4, records: named('ok') }),
    ];
    expect(offsetsOf(setOf(batches, { aborted: [{ producerId: 1n, firstOffset: 0 }] }))).toEqual([4]);
  });
});

describe('RecordSet of damaged bytes', () => {
  it('refuses any changed byte that the checksum covers', async () => {
    const good = await kafkajsBatch({ baseOffset: 5, records: named('a', 'b'), codec: 'zstd' });
    for (let at = 17; at < good.length; at++) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] ?? 0) ^ 0x10;
      const set = setOf([bad], { from: 5 });
      expect(() => set.isEmpty()).toThrow(/orders\/3@5 is unreadable: its checksum is/);
      // Nor can it be read past.
      expect(outcomeOf(set)).toBe('LOG_UNREADABLE');
    }
  });

  it('hands over what comes before', async () => {
    const bad = await kafkajsBatch({ baseOffset: 1, records: named('b') });
    bad[bad.length - 1] = 9;
    const set = setOf([await kafkajsBatch({ records: named('a') }), bad]);
    expect(offsetsOf(set, 1)).toEqual([0]);
    expect(() => set.isEmpty()).toThrow(/orders\/3@1 is unreadable: its checksum is/);
  });

  it('refuses records that do not fill their batch, whatever they are', async () => {
    const good = await kafkajsBatch({
      records: [{ key: Buffer.from('ab'), value: null, headers: { h: Buffer.from('v') } }],
    });
    const outcomes = new Set<string>();
    for (let at = 61; at < good.length; at++) {
      for (const byte of [0, 1, 2, 0x7f, 0x80, 0xff]) {
        const bad = Buffer.from(good);
        bad[at] = byte;
        outcomes.add(outcomeOf(setOf([withChecksum(bad)])));
      }
    }
    // A changed content is a record as well; but nothing is lost in silence, and nothing else is thrown.
    expect([...outcomes].toSorted()).toEqual(['1 record', 'LOG_UNREADABLE']);
    for (const count of [-1, 2]) {
      const bad = Buffer.from(good);
      bad.writeInt32BE(count, 57);
      expect(() => setOf([withChecksum(bad)]).take(5)).toThrow(/orders\/3@0 is unreadable/);
    }
    const padded = Buffer.concat([good, Buffer.alloc(1)]);
    padded.writeInt32BE(padded.length - 12, 8);
    expect(() => setOf([withChecksum(padded)]).take(5)).toThrow(/bytes follow its last record/);
    padded[61] = (padded[61] ?? 0) + 2;
    expect(() => setOf([withChecksum(padded)]).take(5)).toThrow(/a record is not as long as it says/);
  });

  it.each(['snappy', 'lz4'] as const)('says what to do about %s', async (codec) => {
    const set = setOf([await kafkajsBatch({ baseOffset: 6, records: named('a'), codec })], { from: 6 });
    expect(outcomeOf(set)).toBe('LOG_UNREADABLE');
    expect(() => set.isEmpty()).toThrow(
      new RegExp(`orders/3@6 is compressed with ${codec}.*compression.type=zstd on topic "orders"`),
    );
  });

  it('skips an aborted batch without decompressing it', async () => {
    const batches = [
      await kafkajsBatch({ producerId: 1n, transactional: true, records: named('a'), codec: 'lz4' }),
      await marker(1, 1n, 'abort'),
    ];
    expect(setOf(batches, { aborted: [{ producerId: 1n, firstOffset: 0 }] }).isEmpty()).toBe(true);
  });

  it.each([
    ['gzip', (bytes: Buffer) => gzipSync(bytes, { level: 1 })],
    ['zstd', (bytes: Buffer) => zstdCompressSync(bytes)],
  ] as const)('refuses to fill the memory from a small batch of %s', async (codec, compress) => {
    const small = await kafkajsBatch({ records: named('a'), codec });
    const bomb = Buffer.concat([small.subarray(0, 61), compress(Buffer.alloc(129 * 1024 * 1024))]);
    bomb.writeInt32BE(bomb.length - 12, 8);
    expect(() => setOf([withChecksum(bomb)]).isEmpty()).toThrow(/orders\/3@0 is unreadable: it can't be decompressed/);
  });

  it('refuses formats that only old brokers have, and impossible lengths', async () => {
    const old = await kafkajsBatch({ records: named('a') });
    old[16] = 1;
    expect(() => setOf([old])).toThrow(/orders\/3@0 is unreadable: it is of the message format 1/);
    const short = await kafkajsBatch({ records: named('a') });
    short.writeInt32BE(-5, 8);
    expect(() => setOf([short])).toThrow(/orders\/3@0 is unreadable: it says that it has 7 bytes/);
  });
});
