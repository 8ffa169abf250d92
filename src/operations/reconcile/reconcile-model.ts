import type { Codec } from '../../codec/port.ts';
import { EmbeddingScanner } from '../../codec/embedding-scanner.ts';
import { bytesOfHash, HASH_BYTES } from '../../codec/hashes.ts';
import { Ledger, restoreLedger } from '../../ledger/ledger.ts';
import type { Log } from '../../log/port.ts';
import type { TopicNames } from '../../log/topics.ts';
import { contentHashFor, type PartKind } from '../../record/identity.ts';
import { findTopic, readPartitionOf, readTopic } from '../topic-reading.ts';
import { Differences } from './differences.ts';
import { Latest } from './latest.ts';

export interface ModelToReconcile {
  readonly name: string;
  readonly kinds: readonly PartKind[];
  /** The fingerprint that counts as present, hex. */
  readonly fingerprint: string;
}

export interface ModelReconciliation {
  readonly model: string;
  /** Live records on the log. */
  readonly records: number;
  /** Of these: */
  readonly embedded: number;
  readonly deadLettered: number;
  readonly notApplicable: number;
  readonly differences: Differences;
}

export interface ReconcileContext {
  readonly log: Log;
  readonly codec: Codec;
  readonly topics: TopicNames;
  readonly signal?: AbortSignal;
}

/** The latest version of each record. */
export async function latestRecords({ log, topics, signal }: ReconcileContext): Promise<Latest> {
  return latestOf(log, topics.records, signal);
}

export async function latestOf(log: Log, topicName: string, signal?: AbortSignal): Promise<Latest> {
  const latest = new Latest();
  const topic = await findTopic(log, topicName);
  for (const partition of topic?.partitionInfo ?? [])
    for await (const records of readPartitionOf(log, topicName, partition, signal))
      for (const { key, value, offset } of records)
        if (key !== null) latest.set(key, partition.partition, offset, value !== null);
  return latest;
}

/** Every live record has a ledger entry of its present identity, every embedded one its embedding, and nothing is over. */
export async function reconcileModel(
  context: ReconcileContext,
  model: ModelToReconcile,
  records: Latest,
): Promise<ModelReconciliation> {
  const differences = new Differences();
  const ledger = await wholeLedger(context, model.name);
  const embeddings = await embeddingIdentities(context, model.name);
  const counts = await checkRecords(context, model, records, ledger, embeddings, differences);
  await reportUnmarked(context, context.topics.ledger(model.name), ledger, (key) => {
    differences.add('ledger-orphan', key);
  });
  await reportUnmarked(context, context.topics.embeddings(model.name), embeddings, (key) => {
    differences.add('embedding-orphan', key);
  });
  return { model: model.name, ...counts, differences };
}

/** Fingerprint of the entry that a model's ledger got last, hex; undefined when the ledger is empty. */
export async function latestFingerprint(context: ReconcileContext, model: string): Promise<string | undefined> {
  const { log, codec, topics, signal } = context;
  const name = topics.ledger(model);
  let latest: { readonly value: Uint8Array; readonly timestampMs: number } | undefined;
  for await (const records of readTopic(log, name, signal)) {
    const last = records.findLast(({ value }) => value !== null);
    if (last?.value != null && last.timestampMs >= (latest?.timestampMs ?? 0))
      latest = { value: last.value, timestampMs: last.timestampMs };
  }
  return latest && codec.decodeLedgerEntry(latest.value).fingerprint;
}

async function checkRecords(
  { log, codec, topics, signal }: ReconcileContext,
  { kinds, fingerprint }: ModelToReconcile,
  records: Latest,
  ledger: Ledger,
  embeddings: Ledger,
  differences: Differences,
): Promise<Omit<ModelReconciliation, 'model' | 'differences'>> {
  const counts = { records: 0, embedded: 0, deadLettered: 0, notApplicable: 0 };
  const print = bytesOfHash(fingerprint);
  const topic = await findTopic(log, topics.records);
  for (const partition of topic?.partitionInfo ?? [])
    for await (const batch of readPartitionOf(log, topics.records, partition, signal))
      for (const { key, value, offset } of batch) {
        if (key === null || value === null || !records.isLatest(key, partition.partition, offset)) continue;
        counts.records++;
        const contentHash = contentHashFor(kinds, codec.viewSourceRecord(value));
        if (contentHash === undefined) {
          counts.notApplicable++;
          continue;
        }
        const outcome = ledger.outcomeOf(key, contentHash, print);
        if (ledger.has(key)) ledger.mark(key);
        const isEmbedded = embeddings.outcomeOf(key, contentHash, print) === 'embedded';
        if (outcome === 'dead-lettered') counts.deadLettered++;
        else if (outcome !== 'embedded') differences.add('not-processed', key);
        else if (isEmbedded) counts.embedded++;
        else differences.add('embedding-missing', key);
        // An embedding of an earlier content is no orphan while the record waits to be processed again.
        if (embeddings.has(key) && (isEmbedded || outcome === undefined) && ledger.has(key)) embeddings.mark(key);
      }
  return counts;
}

async function wholeLedger({ log, codec, topics, signal }: ReconcileContext, model: string): Promise<Ledger> {
  const ledger = new Ledger();
  const topic = topics.ledger(model);
  for (const { partition } of (await findTopic(log, topic))?.partitionInfo ?? [])
    await restoreLedger(ledger, { log, codec, topic, partition }, signal);
  return ledger;
}

/** What the embeddings topic says of each id, in the ledger's form. */
async function embeddingIdentities({ log, codec, topics, signal }: ReconcileContext, model: string): Promise<Ledger> {
  const identities = new Ledger();
  const scanner = new EmbeddingScanner();
  for await (const records of readTopic(log, topics.embeddings(model), signal))
    for (const { key, value } of records) {
      if (key === null) continue;
      if (value === null) {
        identities.delete(key);
        continue;
      }
      const bytes = codec.upgradeEmbedding(value);
      scanner.scan(bytes, 0, bytes.length);
      const { contentHashStart, fingerprintStart } = scanner;
      identities.set(key, {
        contentHash: bytes.subarray(contentHashStart, contentHashStart + HASH_BYTES),
        fingerprint: bytes.subarray(fingerprintStart, fingerprintStart + HASH_BYTES),
        outcome: 'embedded',
      });
    }
  return identities;
}

/** Calls `report` once for each key of the topic that is in the ledger without a mark. */
async function reportUnmarked(
  { log, signal }: ReconcileContext,
  topic: string,
  ledger: Ledger,
  report: (key: Uint8Array) => void,
): Promise<void> {
  if (ledger.countUnmarked('embedded') + ledger.countUnmarked('dead-lettered') === 0) return;
  for await (const records of readTopic(log, topic, signal))
    for (const { key } of records) {
      if (key === null || !ledger.has(key)) continue;
      if (!ledger.isMarked(key)) report(key);
      ledger.mark(key);
    }
}
