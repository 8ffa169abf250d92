import type { Ledger } from '../ledger/ledger.ts';
import type { Log, OutputRecord, TransactionalProducer } from '../log/port.ts';
import type { PublishReport } from './publish-report.ts';

const CONFIRM_ABOVE = 0.1;

export interface PruneOptions {
  readonly log: Log;
  readonly producer: TransactionalProducer;
  /** Marked: everything the source has now. */
  readonly ledger: Ledger;
  readonly ledgerTopic: string;
  readonly recordsTopic: string;
  readonly lineKeyPrefix: string;
  /** Their records have not vanished: what they are now is not known. */
  readonly unreadFiles: ReadonlySet<string>;
  readonly prune: boolean;
  readonly confirmPrune?: (vanished: number, total: number) => Promise<boolean>;
  readonly report: PublishReport;
}

/**
 * Deletes the records that the ledger has and the source has not: a null value on the records topic, which travels to
 * every output. The ids come from the ledger topic, since the ledger in memory holds only their hashes.
 */
export async function pruneVanished(options: PruneOptions): Promise<void> {
  const { report, ledger, confirmPrune } = options;
  if (options.unreadFiles.size > 0) await markUnread(options);
  const vanished = ledger.countUnmarked('published');
  report.vanished = vanished;
  if (!options.prune) return;
  const total = report.created + report.changed + report.unchanged + report.kept + vanished;
  const confirmed =
    vanished <= total * CONFIRM_ABOVE || confirmPrune === undefined || (await confirmPrune(vanished, total));
  if (!confirmed) return;
  const prefix = Buffer.from(options.lineKeyPrefix);
  let deleted = 0;
  for await (const keys of unmarkedKeys(options)) {
    const outputs: OutputRecord[] = [];
    for (const key of keys) {
      // A key that the topic has more than once is deleted once.
      if (!ledger.delete(key)) continue;
      outputs.push({ topic: options.ledgerTopic, key, value: null });
      const isLine = Buffer.compare(key.subarray(0, prefix.length), prefix) === 0;
      if (!isLine) outputs.push({ topic: options.recordsTopic, key, value: null });
    }
    await options.producer.append(outputs);
    deleted += outputs.filter((output) => output.topic === options.recordsTopic).length;
  }
  report.pruned += deleted;
  report.vanished = vanished - deleted;
}

/** Marks what belongs to files that could not be read, and counts their records. */
async function markUnread(options: PruneOptions): Promise<void> {
  const { ledger, unreadFiles, lineKeyPrefix, report } = options;
  for await (const keys of unmarkedKeys(options)) {
    for (const key of keys) {
      const text = Buffer.from(key).toString();
      const isLine = text.startsWith(lineKeyPrefix);
      const owners = isLine ? [fileOfLine(text.slice(lineKeyPrefix.length))] : [text, fileOfPart(text)];
      if (owners.some((file) => unreadFiles.has(file)) && ledger.mark(key) && !isLine) report.kept++;
    }
  }
}

/** See `lineKey`. */
function fileOfLine(rest: string): string {
  return rest.slice(0, Math.max(0, rest.indexOf('\0')));
}

function fileOfPart(id: string): string {
  return id.slice(0, Math.max(0, id.lastIndexOf('#')));
}

/** The keys in the ledger that have no mark, as often as the topic has them. */
async function* unmarkedKeys({ log, ledger, ledgerTopic }: PruneOptions): AsyncGenerator<Uint8Array[]> {
  const info = (await log.topics()).find((topic) => topic.name === ledgerTopic);
  for (const { partition, startOffset, endOffset } of info?.partitionInfo ?? []) {
    for await (const batch of log.read(ledgerTopic, partition, startOffset, endOffset)) {
      const keys: Uint8Array[] = [];
      for (const { key } of batch.records) if (key !== null && ledger.has(key) && !ledger.isMarked(key)) keys.push(key);
      if (keys.length > 0) yield keys;
    }
  }
}
