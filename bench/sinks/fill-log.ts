import { createCodec } from '../../src/codec/create-codec.ts';
import { createEmbeddedLog } from '../../src/log/embedded/embedded-log.ts';
import { compactedTopic, topicNames } from '../../src/log/topics.ts';
import { sha256 } from '../../src/record/identity.ts';
import { ZERO_FINGERPRINT, type ContentHash, type Embedding, type RecordId } from '../../src/record/types.ts';

const BATCH = 5_000;
export const NAMESPACE = 'embedstream';

export interface FillOptions {
  readonly dataDir: string;
  /** One that the catalogue has, of as many dimensions. */
  readonly model: string;
  readonly dimension: number;
  readonly rows: number;
}

/** Puts embeddings on an embedded log, as a processor would have. */
export async function fillLog({ dataDir, model, dimension, rows }: FillOptions): Promise<void> {
  const log = await createEmbeddedLog({ dataDir, clock: Date.now });
  const codec = createCodec();
  const topic = topicNames(NAMESPACE).embeddings(model);
  await log.ensureTopics([compactedTopic(topic, 1)]);
  const producer = await log.producer('bench');
  for (let from = 0; from < rows; from += BATCH) {
    const count = Math.min(BATCH, rows - from);
    const outputs = Array.from({ length: count }, (_, i) => {
      const embedding = embeddingOf(from + i, model, dimension);
      return { topic, key: Buffer.from(embedding.recordId), value: Uint8Array.from(codec.encodeEmbedding(embedding)) };
    });
    await producer.append(outputs);
  }
  await producer.close();
  await log.close();
}

export function vectorOf(row: number, dimension: number): Float32Array {
  const vector = new Float32Array(dimension);
  // Numbers without a pattern, the same in every run.
  let state = (row + 1) * 2_654_435_761;
  for (let i = 0; i < dimension; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    vector[i] = state / 2 ** 31 - 1;
  }
  return vector;
}

function embeddingOf(row: number, model: string, dimension: number): Embedding {
  return {
    recordId: `object-${row}` as RecordId,
    ...{ model, fingerprint: ZERO_FINGERPRINT, dimension },
    contentHash: sha256(String(row)).toString('hex') as ContentHash,
    ...{ tokenCount: 12, truncated: false, createdAt: 1_700_000_000_000 + row },
    text: `Object ${row}, a bronze vessel with a dragon`,
    metadata: new Map<string, string | number>([
      ['title', `Object ${row}`],
      ['year', 1900 + (row % 125)],
    ]),
    vector: vectorOf(row, dimension),
  };
}
