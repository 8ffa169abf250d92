import { EmbeddingScanner } from '../../codec/embedding-scanner.ts';
import { bytesOfHash } from '../../codec/hashes.ts';
import type { Codec } from '../../codec/port.ts';
import type { PipelineError } from '../../errors.ts';
import { Ledger, restoreLedger } from '../../ledger/ledger.ts';
import type { Log } from '../../log/port.ts';
import type { TopicNames } from '../../log/topics.ts';
import type { ModelInfo } from '../../models/port.ts';
import type { Scorer } from '../../models/similarity.ts';
import { isImportFingerprint } from '../../record/imported.ts';
import { findTopic, readPartitionOf } from '../topic-reading.ts';
import { nothingEmbedded, type SearchResult } from './search-result.ts';
import { TopMatches } from './top-matches.ts';

export interface LogSearch {
  readonly log: Log;
  readonly codec: Codec;
  readonly topics: TopicNames;
  readonly model: Pick<ModelInfo, 'name' | 'fingerprint' | 'dimension'>;
  readonly scorer: Scorer;
  readonly limit: number;
  readonly signal?: AbortSignal;
}

/**
 * Exact search over the log: every live embedding is compared. Live is what the model's ledger has under this very
 * model or from an import, so an old version of a text, a deleted record and an older model's vector are never found.
 */
export async function searchLog(options: LogSearch): Promise<SearchResult> {
  const { log, codec, topics, model, scorer, signal } = options;
  const topic = await findTopic(log, topics.embeddings(model.name));
  if (topic === undefined) throw nothingOnLog(model.name);
  const top = new TopMatches<Uint8Array>(options.limit);
  const scanner = new EmbeddingScanner();
  const print = bytesOfHash(model.fingerprint);
  const vector = new Float32Array(model.dimension);
  const vectorBytes = new Uint8Array(vector.buffer);
  let compared = 0;
  for (const partition of topic.partitionInfo) {
    const ledger = new Ledger();
    const ledgerTopic = topics.ledger(model.name);
    await restoreLedger(ledger, { log, codec, topic: ledgerTopic, partition: partition.partition }, signal);
    for await (const records of readPartitionOf(log, topic.name, partition, signal)) {
      for (const { key, value } of records) {
        if (key === null || value === null) continue;
        const bytes = codec.upgradeEmbedding(value);
        scanner.scan(bytes, 0, bytes.length);
        const contentHash = bytes.subarray(scanner.contentHashStart, scanner.contentHashStart + print.length);
        const written = bytes.subarray(scanner.fingerprintStart, scanner.fingerprintStart + print.length);
        if (Buffer.compare(written, print) !== 0 && !isImportFingerprint(written)) continue;
        if (ledger.outcomeOf(key, contentHash, written) !== 'embedded') continue;
        // Imported under this name from a model of another dimension.
        if (scanner.dimension !== model.dimension) continue;
        scanner.copyVector(vectorBytes, 0);
        top.offer(scorer(vector), key, () => Uint8Array.from(bytes));
        compared++;
      }
    }
  }
  if (compared === 0 && signal?.aborted !== true) throw nothingOnLog(model.name);
  const matches = top.best().map(({ score, value }) => {
    const { recordId, text, metadata } = codec.decodeEmbedding(value);
    return { id: recordId, score, ...(text !== undefined && { text }), metadata };
  });
  return { compared, matches };
}

function nothingOnLog(model: string): PipelineError {
  return nothingEmbedded(
    model,
    'Nothing on this log',
    'run "embed --source=FILE" first (or "process", when the sources are on the log), or choose with --model.',
  );
}
