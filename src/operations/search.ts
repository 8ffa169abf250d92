import type { Codec } from '../codec/port.ts';
import { EmbeddingScanner } from '../codec/embedding-scanner.ts';
import { bytesOfHash } from '../codec/hashes.ts';
import { fatalError, UsageError, type PipelineError } from '../errors.ts';
import { Ledger, restoreLedger } from '../ledger/ledger.ts';
import type { Log } from '../log/port.ts';
import type { TopicNames } from '../log/topics.ts';
import type { Embedder } from '../models/port.ts';
import type { Embedding } from '../record/types.ts';
import { findTopic, readPartitionOf } from './topic-reading.ts';
import { TopMatches } from './top-matches.ts';

export interface SearchMatch {
  /** Cosine similarity, -1 to 1. */
  readonly score: number;
  readonly embedding: Embedding;
}

export interface SearchResult {
  /** Best first. */
  readonly matches: readonly SearchMatch[];
  /** Live embeddings that were compared. */
  readonly compared: number;
}

export interface SearchOptions {
  readonly log: Log;
  readonly codec: Codec;
  readonly topics: TopicNames;
  readonly embedder: Embedder;
  readonly query: string;
  readonly limit: number;
  readonly signal?: AbortSignal;
}

/**
 * Exact search over the log: every live embedding is compared. Live is what the model's ledger has under this very
 * model, so an old version of a text, a deleted record and an older model's vector are never found.
 */
export async function searchLog(options: SearchOptions): Promise<SearchResult> {
  const { log, codec, topics, embedder, signal } = options;
  const { name, fingerprint } = embedder.info;
  const topic = await findTopic(log, topics.embeddings(name));
  if (topic === undefined) throw nothingEmbedded(name);
  const queryVector = await embedQuery(options);
  const top = new TopMatches(options.limit);
  const scanner = new EmbeddingScanner();
  const print = bytesOfHash(fingerprint);
  const vector = new Float32Array(queryVector.length);
  const vectorBytes = new Uint8Array(vector.buffer);
  let compared = 0;
  for (const partition of topic.partitionInfo) {
    const ledger = new Ledger();
    await restoreLedger(ledger, { log, codec, topic: topics.ledger(name), partition: partition.partition }, signal);
    for await (const records of readPartitionOf(log, topic.name, partition, signal)) {
      for (const { key, value } of records) {
        if (key === null || value === null) continue;
        const bytes = codec.upgradeEmbedding(value);
        scanner.scan(bytes, 0, bytes.length);
        const contentHash = bytes.subarray(scanner.contentHashStart, scanner.contentHashStart + print.length);
        const written = bytes.subarray(scanner.fingerprintStart, scanner.fingerprintStart + print.length);
        if (Buffer.compare(written, print) !== 0) continue;
        if (ledger.outcomeOf(key, contentHash, print) !== 'embedded') continue;
        scanner.copyVector(vectorBytes, 0);
        top.offer(dotProduct(queryVector, vector), key, bytes);
        compared++;
      }
    }
  }
  if (compared === 0 && signal?.aborted !== true) throw nothingEmbedded(name);
  return {
    compared,
    matches: top.best().map(({ score, value }) => ({ score, embedding: codec.decodeEmbedding(value) })),
  };
}

function nothingEmbedded(model: string): PipelineError {
  return fatalError(
    'SEARCH_NOTHING_EMBEDDED',
    `Nothing on this log is embedded with ${model} as it is now: run "embed --source=FILE" first (or "process", when the ` +
      `sources are on the log), or choose with --model.`,
  );
}

async function embedQuery({ embedder, query, signal }: SearchOptions): Promise<Float32Array> {
  const { name, kinds, queryKinds = kinds } = embedder.info;
  if (!queryKinds.includes('text'))
    throw new UsageError(
      `The model ${name} can't embed words: its folder has no text tower that is known (onnx/text_model.onnx and ` +
        'tokenizer.json of a CLIP model).',
    );
  const result = await embedder.embed([{ text: query }], { as: 'query', ...(signal && { signal }) });
  const fault = result.faults.get(0);
  if (fault !== undefined) throw fault;
  return result.vectors;
}

/** Of two (D,) vectors; the cosine, since models normalise. */
function dotProduct(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}
