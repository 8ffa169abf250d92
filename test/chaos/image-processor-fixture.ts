/** Runs a model that reads images and costs nothing, to the end: BROKERS NAMESPACE MODEL PARTITIONS. */
import { createHash } from 'node:crypto';
import { keepYoungGenerationSmall } from '../../src/cli/heap.ts';
import { createCodec } from '../../src/codec/create-codec.ts';
import { createKafkaLog } from '../../src/log/kafka/kafka-log.ts';
import { topicNames } from '../../src/log/topics.ts';
import type { Embedder } from '../../src/models/port.ts';
import { EmbeddingTask, ensureProcessorTopics } from '../../src/processors/embedding-task.ts';
import type { ModelFingerprint } from '../../src/record/types.ts';

keepYoungGenerationSmall();
const [brokers = '', namespace = '', model = '', partitions = '1'] = process.argv.slice(2);
const connection = { brokers: brokers.split(','), clientId: 'image-processor' };
const log = await createKafkaLog({ connection, prefix: `${namespace}.`, sessionTimeoutMs: 6_000 });
const topics = topicNames(namespace);

/** A vector is the hash of the image's bytes, of eight numbers. */
const embedder: Embedder = {
  info: {
    name: model,
    kinds: ['image'],
    dimension: 8,
    maxTokens: 0,
    fingerprint: '1'.repeat(64) as ModelFingerprint,
  },
  windowSize: 32,
  embed: (inputs) => {
    const vectors = new Float32Array(inputs.length * 8);
    for (const [i, { image }] of inputs.entries()) {
      const hash = createHash('sha256')
        .update(image?.bytes ?? '')
        .digest();
      for (let d = 0; d < 8; d++) vectors[i * 8 + d] = hash.readUInt32LE(d * 4) / 2 ** 32;
    }
    const [tokenCounts, truncated] = [new Uint32Array(inputs.length), new Uint8Array(inputs.length)];
    return Promise.resolve({ vectors, tokenCounts, truncated, faults: new Map() });
  },
  close: () => Promise.resolve(),
};

await ensureProcessorTopics(log, topics, model, Number(partitions));
const task = new EmbeddingTask({ log, codec: createCodec(), embedder, topics, namespace, clock: Date.now });
await log.run(task, { until: 'end', maxBatchRecords: embedder.windowSize });
await log.close();
console.log(JSON.stringify(task.counts));
