/**
 * Bare kafkajs, the measure of what a client of its kind can do: `node peer.ts send TOPIC RECORDS BYTES` sends records of
 * so many bytes, 500 a call, acknowledged by all replicas; `node peer.ts consume TOPIC` reads a topic to its end, read
 * committed; `node peer.ts copy TOPIC FILE` also writes the values to a file and fsyncs it. Prints records, bytes and seconds as JSON; connecting and joining are not counted.
 */
import { randomBytes } from 'node:crypto';
import { fsyncSync, openSync, writeSync } from 'node:fs';
import kafkajs from 'kafkajs';
import { zstdDecompressSync } from 'node:zlib';

// Its other names are not seen by Node as those of an ES module.
const { CompressionCodecs, CompressionTypes, Kafka, logLevel, Partitioners } = kafkajs;

CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: () => Promise.reject(new Error('Not needed here.')),
  decompress: (buffer: Buffer) => Promise.resolve(zstdDecompressSync(buffer)),
});

const RECORDS_A_SEND = 500;
const [mode = '', topic = '', count = '', bytes = '0'] = process.argv.slice(2);
const brokers = (process.env['KAFKA_BROKERS'] ?? '').split(',');
const kafka = new Kafka({ brokers, clientId: 'bench', logLevel: logLevel.NOTHING });

async function send(records: number, valueBytes: number): Promise<object> {
  const producer = kafka.producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
  });
  await producer.connect();
  // Not all zeros, and made beforehand: only the sending counts.
  const values = Array.from({ length: RECORDS_A_SEND }, () => randomBytes(valueBytes / 2).toString('hex'));
  const startMs = performance.now();
  for (let first = 0; first < records; first += RECORDS_A_SEND) {
    const messages = values.map((value, i) => ({ key: String(first + i), value }));
    await producer.send({ topic, acks: -1, messages });
  }
  const seconds = (performance.now() - startMs) / 1000;
  await producer.disconnect();
  return { records, bytes: records * valueBytes, seconds };
}

/** @param file where values go, one after the other; left out: nowhere */
async function consume(file?: string): Promise<object> {
  const admin = kafka.admin();
  await admin.connect();
  const ends = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  const left = new Set(ends.filter(({ offset }) => offset !== '0').map(({ partition }) => partition));
  const endOf = new Map(ends.map(({ partition, offset }) => [partition, BigInt(offset)]));
  const consumer = kafka.consumer({ groupId: `bench-${process.pid}`, maxBytesPerPartition: 4 * 1024 * 1024 });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  let records = 0;
  let size = 0;
  let startMs = 0;
  const copy = file === undefined ? undefined : openSync(file, 'w');
  const { promise, resolve } = Promise.withResolvers<undefined>();
  await consumer.run({
    autoCommit: false,
    eachBatch: ({ batch }) => {
      if (startMs === 0) startMs = performance.now();
      for (const { value } of batch.messages) {
        records++;
        size += value?.length ?? 0;
      }
      if (copy !== undefined)
        writeSync(copy, Buffer.concat(batch.messages.map(({ value }) => value ?? Buffer.alloc(0))));
      // The last offset is a transaction's marker, which is in no batch that is handed over.
      const isAtEnd = BigInt(batch.lastOffset()) + 2n >= (endOf.get(batch.partition) ?? 0n);
      if (isAtEnd) left.delete(batch.partition);
      if (left.size === 0) resolve(undefined);
      return Promise.resolve();
    },
  });
  await promise;
  if (copy !== undefined) fsyncSync(copy);
  const seconds = (performance.now() - startMs) / 1000;
  await consumer.disconnect();
  return { records, bytes: size, seconds };
}

const report = mode === 'send' ? send(Number(count), Number(bytes)) : consume(mode === 'copy' ? count : undefined);
console.log(JSON.stringify(await report));
process.exit(0);
