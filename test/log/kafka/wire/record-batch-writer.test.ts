import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { zstdDecompressSync } from 'node:zlib';
import { RecordBatchWriter, type FinishOptions } from '../../../../src/log/kafka/wire/record-batch-writer.ts';
import { kafkajsBatch, kafkajsMessages } from './kafkajs-batches.ts';
import { batchRecord } from './records.ts';

const PLAIN: FinishOptions = {
  producerId: 4711n,
  producerEpoch: 5,
  baseSequence: 77,
  transactional: true,
  compression: 'none',
};

describe('RecordBatchWriter', () => {
  it('writes the very bytes that kafkajs writes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(batchRecord, { minLength: 1, maxLength: 30 }),
        fc.bigInt({ min: -1n, max: 2n ** 62n }),
        fc.integer({ min: -1, max: 32_767 }),
        fc.integer({ min: -1, max: 2 ** 31 - 1 }),
        fc.boolean(),
        async (records, producerId, producerEpoch, baseSequence, transactional) => {
          const writer = new RecordBatchWriter();
          for (const record of records) writer.add(record);
          const { bytes, count } = writer;
          const options = { producerId, producerEpoch, baseSequence, transactional };
          const batch = await writer.finish({ ...options, compression: 'none' });
          expect(batch).toEqual(await kafkajsBatch({ records, leaderEpoch: -1, ...options }));
          expect(batch).toHaveLength(bytes);
          expect(count).toBe(records.length);
        },
      ),
    );
  });

  it('compresses the records with zstd, and nothing else changes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(batchRecord, { minLength: 1, maxLength: 30 }), async (records) => {
        const [plain, packed] = [new RecordBatchWriter(), new RecordBatchWriter()];
        for (const record of records) {
          plain.add(record);
          packed.add(record);
        }
        const expected = await plain.finish(PLAIN);
        const batch = await packed.finish({ ...PLAIN, compression: 'zstd' });
        expect(zstdDecompressSync(batch.subarray(61))).toEqual(expected.subarray(61));
        expect(batch.subarray(23, 61)).toEqual(expected.subarray(23, 61));
        expect(batch.readInt16BE(21)).toBe(0x14);
        expect(await kafkajsMessages(batch)).toEqual(await kafkajsMessages(expected));
      }),
    );
  });

  it('grows for records that are larger than its buffer', async () => {
    const writer = new RecordBatchWriter(5);
    const value = Buffer.alloc(5_000_000, 7);
    writer.add({ key: Buffer.from('a'), value });
    writer.add({ key: null, value: Buffer.alloc(30_000, 8) });
    const [first, second] = await kafkajsMessages(await writer.finish(PLAIN));
    expect(first?.value?.equals(value)).toBe(true);
    expect(second).toMatchObject({ offset: '1', key: null, timestamp: '5' });
    expect(second?.value?.equals(Buffer.alloc(30_000, 8))).toBe(true);
  });

  it('gives a record without a timestamp that of its beginning, and cuts fractions off', async () => {
    const writer = new RecordBatchWriter(1_700_000_000_000);
    writer.add({ key: null, value: null });
    writer.add({ key: null, value: null, timestampMs: 1_600_000_000_000.75 });
    const batch = await writer.finish(PLAIN);
    expect((await kafkajsMessages(batch)).map(({ timestamp }) => timestamp)).toEqual([
      '1700000000000',
      '1600000000000',
    ]);
    expect(batch.readBigInt64BE(35)).toBe(1_700_000_000_000n);
  });

  it('refuses to be used after its end, or to send nothing', async () => {
    const writer = new RecordBatchWriter();
    await expect(writer.finish(PLAIN)).rejects.toMatchObject({ code: 'LOG_BATCH_MISUSED' });
    writer.add({ key: null, value: null });
    await writer.finish(PLAIN);
    expect(() => {
      writer.add({ key: null, value: null });
    }).toThrow(/finished record batch/);
    await expect(writer.finish(PLAIN)).rejects.toMatchObject({ code: 'LOG_BATCH_MISUSED' });
  });
});
