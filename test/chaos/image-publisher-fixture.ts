/**
 * Publishes records with an image of 4 MB each: BROKERS NAMESPACE COUNT PARTITIONS SEED. Prints a line of JSON for each:
 * [id, hash of the text, hash of the image]. A record that was published before is published again as it was.
 */
import { randomFillSync } from 'node:crypto';
import { keepYoungGenerationSmall } from '../../src/cli/heap.ts';
import { createCodec } from '../../src/codec/create-codec.ts';
import { createKafkaLog } from '../../src/log/kafka/kafka-log.ts';
import { compressedTopic, topicNames } from '../../src/log/topics.ts';
import type { ContentHash, RecordId } from '../../src/record/types.ts';
import { sha256 } from './sources.ts';

const IMAGE_BYTES = 4_000_000;

keepYoungGenerationSmall();
const [brokers = '', namespace = '', count = '0', partitions = '1'] = process.argv.slice(2);
const connection = { brokers: brokers.split(','), clientId: 'image-publisher' };
const log = await createKafkaLog({ connection, prefix: `${namespace}.` });
const topics = topicNames(namespace);
const codec = createCodec();
await log.ensureTopics([compressedTopic(topics.records, Number(partitions))]);
const producer = await log.producer(`${namespace}.images`);
// Noise, as a compressed image is.
const bytes = randomFillSync(Buffer.alloc(IMAGE_BYTES));
for (let i = 0; i < Number(count); i++) {
  const id = `image-${i}`;
  const text = `The picture number ${i}`;
  bytes.write(id);
  const [textHash, imageHash] = [sha256(text) as ContentHash, sha256(bytes) as ContentHash];
  const value = codec.encodeSourceRecord({
    id: id as RecordId,
    source: 'images',
    text,
    textHash,
    image: { mime: 'image/png', bytes },
    imageHash,
    metadata: new Map(),
    createdAt: Date.now(),
  });
  await producer.append([{ topic: topics.records, key: Buffer.from(id), value }]);
  console.log(JSON.stringify([id, textHash, imageHash]));
}
await producer.close();
await log.close();
