import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { fetchRequest } from '../../../../src/log/kafka/wire/fetch-request.ts';
import { produceRequest } from '../../../../src/log/kafka/wire/produce-request.ts';
import { RecordBatchWriter } from '../../../../src/log/kafka/wire/record-batch-writer.ts';

const require = createRequire(import.meta.url);

type KafkajsRequest = (options: object) => { encode: () => Promise<{ readonly buffer: Buffer }> };
interface KafkajsResponse {
  decode: (payload: Buffer) => Promise<object>;
}

const kafkajsFetch = require('kafkajs/src/protocol/requests/fetch/v11/request') as KafkajsRequest;
const kafkajsFetched = require('kafkajs/src/protocol/requests/fetch/v11/response') as KafkajsResponse;
const kafkajsProduce = require('kafkajs/src/protocol/requests/produce/v7/request') as KafkajsRequest;
const kafkajsProduced = require('kafkajs/src/protocol/requests/produce/v7/response') as KafkajsResponse;

/** Big-endian numbers and strings, one after the other. */
function payloadOf(...fields: readonly (readonly ['i16' | 'i32' | 'i64', number] | string)[]): Buffer {
  return Buffer.concat(
    fields.map((field) => {
      if (typeof field === 'string') return Buffer.concat([payloadOf(['i16', field.length]), Buffer.from(field)]);
      const [type, value] = field;
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64BE(BigInt(value));
      return bytes.subarray({ i16: 6, i32: 4, i64: 0 }[type]);
    }),
  );
}

describe('fetchRequest', () => {
  const partitions = [
    { topic: 'a', partition: 2, from: 2 ** 40 + 1, maxBytes: 1_000 },
    { topic: 'a', partition: 0, from: 0, maxBytes: 2_000 },
    { topic: 'b', partition: 1, from: 7, maxBytes: 3_000 },
    { topic: 'a', partition: 1, from: 8, maxBytes: 4_000 },
  ];
  const request = fetchRequest({ maxWaitMs: 250, minBytes: 1, maxBytes: 9_000, partitions });

  it('is encoded as kafkajs does, the partitions in their order', async () => {
    const [a2, a0, b1, a1] = partitions.map(({ partition, from, maxBytes }) => ({
      partition,
      fetchOffset: from,
      maxBytes,
    }));
    const topics = [
      { topic: 'a', partitions: [a2, a0] },
      { topic: 'b', partitions: [b1] },
      { topic: 'a', partitions: [a1] },
    ];
    const expected = kafkajsFetch({ replicaId: -1, maxWaitTime: 250, minBytes: 1, maxBytes: 9_000, topics });
    expect((await request.request.encode()).buffer).toEqual((await expected.encode()).buffer);
    expect(request.requestTimeout).toBeGreaterThan(250);
  });

  const answered = (...partitionFields: readonly Buffer[]): Buffer =>
    Buffer.concat([payloadOf(['i32', 15], ['i16', 0], ['i32', 0], ['i32', 1], 'a'), ...partitionFields]);

  it('takes offsets, aborted transactions and raw records from the answer', async () => {
    const offsets = [2 ** 52 + 3, 2 ** 52 + 2, 2 ** 40] as const;
    const payload = answered(
      payloadOf(['i32', 2], ['i32', 2], ['i16', 0], ...offsets.map((offset) => ['i64', offset] as const)),
      payloadOf(['i32', 2], ['i64', 4_711], ['i64', 2 ** 51], ['i64', 12], ['i64', 5], ['i32', -1], ['i32', 3]),
      Buffer.from('abc'),
      // A fault: no list of aborted transactions, and no records.
      payloadOf(['i32', 0], ['i16', 1], ['i64', -1], ['i64', -1], ['i64', -1], ['i32', -1], ['i32', -1], ['i32', -1]),
    );
    const decoded = await request.response.decode(payload);
    expect(decoded).toMatchObject({ clientSideThrottleTime: 15 });
    const [fetched, failed] = await request.response.parse(decoded);
    expect(fetched).toEqual({
      topic: 'a',
      partition: 2,
      errorCode: 0,
      highWatermark: offsets[0],
      lastStableOffset: offsets[1],
      logStartOffset: offsets[2],
      aborted: [
        { producerId: 4_711n, firstOffset: 2 ** 51 },
        { producerId: 12n, firstOffset: 5 },
      ],
      records: Buffer.from('abc'),
    });
    expect(fetched?.records.buffer).toBe(payload.buffer);
    expect(failed).toMatchObject({ partition: 0, errorCode: 1, highWatermark: -1, aborted: [] });
    expect(failed?.records).toHaveLength(0);
  });

  it('reads what kafkajs reads', async () => {
    const payload = answered(
      payloadOf(['i32', 1], ['i32', 2], ['i16', 0], ['i64', 90], ['i64', 80], ['i64', 10], ['i32', 1], ['i64', 6]),
      payloadOf(['i64', 70], ['i32', -1], ['i32', 0]),
    );
    const [fetched] = await request.response.parse(await request.response.decode(payload));
    expect(await kafkajsFetched.decode(payload)).toMatchObject({
      responses: [
        {
          topicName: fetched?.topic,
          partitions: [
            {
              partition: fetched?.partition,
              highWatermark: String(fetched?.highWatermark),
              lastStableOffset: String(fetched?.lastStableOffset),
              lastStartOffset: String(fetched?.logStartOffset),
              abortedTransactions: [{ producerId: '6', firstOffset: '70' }],
            },
          ],
        },
      ],
    });
    expect(fetched?.aborted).toEqual([{ producerId: 6n, firstOffset: 70 }]);
  });

  it("rejects with kafkajs' error when the whole answer is one", async () => {
    const payload = payloadOf(['i32', 0], ['i16', 70], ['i32', 0], ['i32', 0]);
    const decoded = await request.response.decode(payload);
    await expect(request.response.parse(decoded)).rejects.toMatchObject({
      name: 'KafkaJSProtocolError',
      type: 'FETCH_SESSION_ID_NOT_FOUND',
    });
  });
});

describe('produceRequest', () => {
  const message = { key: Buffer.from('k'), value: Buffer.alloc(500, 1), timestamp: 1_700_000_000_000 };

  async function batchOf(sequence: number, transactional: boolean): Promise<Buffer> {
    const writer = new RecordBatchWriter();
    writer.add({ key: message.key, value: message.value, timestampMs: message.timestamp });
    const identity = { producerId: 9n, producerEpoch: 3, baseSequence: sequence, transactional };
    const batch = await writer.finish({ ...identity, compression: 'none' });
    // kafkajs writes 0; the broker writes its own.
    batch.writeInt32BE(0, 12);
    return batch;
  }

  it.each([['group-topic-0'], [null]])(
    'is encoded as kafkajs does, for the transactional id %s',
    async (transactionalId) => {
      const places = [
        ['a', 0, 1],
        ['a', 3, 2],
        ['b', 1, 3],
      ] as const;
      const batches = await Promise.all(places.map(([, , sequence]) => batchOf(sequence, transactionalId !== null)));
      const [a0, a3, b1] = places.map(([, partition, firstSequence], i) => ({
        ours: { partition, batch: batches[i]! },
        theirs: { partition, firstSequence, messages: [message] },
      }));
      const request = produceRequest({
        transactionalId,
        timeoutMs: 1_234,
        topics: [
          { topic: 'a', partitions: [a0!.ours, a3!.ours] },
          { topic: 'b', partitions: [b1!.ours] },
        ],
      });
      const expected = kafkajsProduce({
        acks: -1,
        timeout: 1_234,
        transactionalId,
        producerId: 9n,
        producerEpoch: 3,
        topicData: [
          { topic: 'a', partitions: [a0!.theirs, a3!.theirs] },
          { topic: 'b', partitions: [b1!.theirs] },
        ],
      });
      const parts = request.request.parts?.() ?? [];
      expect(Buffer.concat(parts)).toEqual((await expected.encode()).buffer);
      expect(batches.every((batch) => parts.includes(batch))).toBe(true);
      expect(request.requestTimeout).toBeGreaterThan(1_234);
    },
  );

  it('gives each partition its outcome', async () => {
    const payload = Buffer.concat([
      payloadOf(['i32', 2], 'a', ['i32', 2]),
      payloadOf(['i32', 1], ['i16', 0], ['i64', 2 ** 52 + 1], ['i64', -1], ['i64', 3]),
      payloadOf(['i32', 0], ['i16', 47], ['i64', -1], ['i64', -1], ['i64', -1]),
      payloadOf('b', ['i32', 1], ['i32', 5], ['i16', 0], ['i64', 0], ['i64', -1], ['i64', 0], ['i32', 20]),
    ]);
    const { response } = produceRequest({ transactionalId: null, timeoutMs: 1, topics: [] });
    const decoded = await response.decode(payload);
    expect(decoded).toMatchObject({ clientSideThrottleTime: 20 });
    const produced = await response.parse(decoded);
    expect(produced).toEqual([
      { topic: 'a', partition: 1, errorCode: 0, baseOffset: 2 ** 52 + 1 },
      { topic: 'a', partition: 0, errorCode: 47, baseOffset: -1 },
      { topic: 'b', partition: 5, errorCode: 0, baseOffset: 0 },
    ]);
    expect(await kafkajsProduced.decode(payload)).toMatchObject({
      clientSideThrottleTime: 20,
      topics: [
        { topicName: 'a', partitions: [{ baseOffset: String(2 ** 52 + 1) }, { errorCode: 47 }] },
        { topicName: 'b', partitions: [{ partition: 5 }] },
      ],
    });
  });
});
