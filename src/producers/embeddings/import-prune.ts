import type { Codec } from '../../codec/port.ts';
import type { Log, OutputRecord, TransactionalProducer } from '../../log/port.ts';
import type { TopicNames } from '../../log/topics.ts';
import type { ImportReport } from './import-report.ts';
import type { ImportState } from './import-state.ts';
import { RecordTexts } from './record-texts.ts';

const CONFIRM_ABOVE = 0.1;

export interface PruneImportOptions {
  readonly log: Log;
  readonly codec: Codec;
  readonly topics: TopicNames;
  readonly producer: TransactionalProducer;
  /** Marked: everything the files have now. */
  readonly state: ImportState;
  readonly texts: RecordTexts | undefined;
  readonly ledgerTopic: string;
  readonly model: string;
  readonly faultKeyPrefix: string;
  readonly prune: boolean;
  readonly confirmPrune?: (vanished: number, total: number) => Promise<boolean>;
  readonly signal?: AbortSignal;
  readonly report: ImportReport;
}

/** Deletes the embeddings that the import has put on the log and its files no longer have, and says how many there are. */
export async function pruneImport(options: PruneImportOptions): Promise<void> {
  const { report, state, confirmPrune } = options;
  const vanished = state.own.countUnmarked('published');
  report.vanished = vanished;
  if (!options.prune) return;
  const total = report.created + report.changed + report.unchanged + vanished;
  const confirmed =
    vanished <= total * CONFIRM_ABOVE || confirmPrune === undefined || (await confirmPrune(vanished, total));
  if (!confirmed) return;
  const { topics, model, producer, ledgerTopic, faultKeyPrefix } = options;
  const prefix = Buffer.from(faultKeyPrefix);
  let texts = options.texts;
  for await (const keys of unmarkedKeys(options)) {
    const outputs: OutputRecord[] = [];
    for (const key of keys) {
      outputs.push({ topic: ledgerTopic, key, value: null });
      if (Buffer.compare(key.subarray(0, prefix.length), prefix) === 0) continue;
      report.pruned++;
      const isOwn = state.model.hasFingerprint(key, state.fingerprint);
      // What was trusted, or what a processor has replaced, belongs to the record as long as there is one.
      if (!isOwn && state.model.has(key)) {
        texts ??= await RecordTexts.read(options, topics.records, [], options.signal);
        if (texts.isLive(Buffer.from(key).toString())) continue;
      }
      outputs.push(
        { topic: topics.embeddings(model), key, value: null },
        { topic: topics.ledger(model), key, value: null },
      );
    }
    await producer.append(outputs);
  }
  report.vanished = vanished - report.pruned;
}

/** The keys in the ledger that have no mark, each once; takes them out of the ledger. */
async function* unmarkedKeys({ log, state, ledgerTopic }: PruneImportOptions): AsyncGenerator<Uint8Array[]> {
  const { own } = state;
  const info = (await log.topics()).find((topic) => topic.name === ledgerTopic);
  for (const { partition, startOffset, endOffset } of info?.partitionInfo ?? [])
    for await (const batch of log.read(ledgerTopic, partition, startOffset, endOffset)) {
      const keys: Uint8Array[] = [];
      for (const { key } of batch.records) {
        if (key === null || !own.has(key) || own.isMarked(key)) continue;
        own.delete(key);
        keys.push(key);
      }
      if (keys.length > 0) yield keys;
    }
}
