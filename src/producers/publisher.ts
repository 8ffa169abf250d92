import { UsageError } from '../errors.ts';
import { Ledger, restoreLedger } from '../ledger/ledger.ts';
import { MAX_RECORD_BYTES, type TransactionalProducer } from '../log/port.ts';
import { compactedTopic, compressedTopic, deadLetterTopic } from '../log/topics.ts';
import { deadLetterHeaders } from '../record/dead-letter.ts';
import { sha256 } from '../record/identity.ts';
import type { NumberedIds, SourceBatch, SourceFault, SourceItem } from './port.ts';
import { encodeItem, ZERO_FINGERPRINT_BYTES } from './encode-item.ts';
import {
  duplicateFault,
  foreignFault,
  letterKey,
  lineKey,
  LINE_KEY_PREFIX,
  rowKey,
  tooLargeFault,
} from './ledger-faults.ts';
import { GatheredAppends, WRITES_NOTHING } from './gathered-appends.ts';
import { OtherSources } from './other-sources.ts';
import { pruneVanished } from './prune.ts';
import { surplusIds } from './surplus.ts';
import type { PublishOptions } from './publish-options.ts';
import { emptyPublishReport, type PublishReport } from './publish-report.ts';

/** The key and the frame of a record are small. */
const MOST_VALUE_BYTES = MAX_RECORD_BYTES - 64 * 1024;

/**
 * Publishes what is new or changed in a source, and its faults as dead letters, each batch with its entries in the
 * source's ledger in one transaction: killed anywhere, the next run goes on with what is missing.
 */
export async function publish(options: PublishOptions): Promise<PublishReport> {
  const { source, log, topics, partitions } = options;
  const ledgerTopic = topics.sourceLedger(source.name);
  if (options.dryRun !== true)
    await log.ensureTopics([
      compressedTopic(topics.records, partitions),
      deadLetterTopic(topics.deadLetters, partitions),
      compactedTopic(ledgerTopic, partitions),
    ]);
  // The producer first: it fences a run of the same source that is still alive before the ledger is read.
  const producer = options.dryRun === true ? WRITES_NOTHING : await log.producer(ledgerTopic);
  try {
    const ledger = new Ledger();
    for (let partition = 0; partition < partitions; partition++)
      await restoreLedger(ledger, { log, codec: options.codec, topic: ledgerTopic, partition }, options.signal);
    const others = await OtherSources.restore(options, ledgerTopic, options.signal);
    const publisher = new Publisher(options, producer, ledger, ledgerTopic, others);
    await publisher.publishAll();
    const { report } = publisher;
    // What a filter left out has not vanished, nor what could not be read.
    if (report.complete && report.filtered === 0 && source.isFiltered !== true && !report.partial)
      await publisher.finish(options.prune === true && options.dryRun !== true);
    return report;
  } finally {
    await producer.close();
  }
}

class Publisher {
  readonly report: PublishReport;
  readonly #options: PublishOptions;
  readonly #producer: TransactionalProducer;
  readonly #ledger: Ledger;
  readonly #ledgerTopic: string;
  readonly #others: OtherSources;
  readonly #appends: GatheredAppends;
  /** Files that could not be read; their records are not known. */
  readonly #unreadFiles = new Set<string>();

  constructor(
    options: PublishOptions,
    producer: TransactionalProducer,
    ledger: Ledger,
    ledgerTopic: string,
    others: OtherSources,
  ) {
    this.#options = options;
    this.#producer = producer;
    this.#appends = new GatheredAppends(producer);
    this.#ledger = ledger;
    this.#ledgerTopic = ledgerTopic;
    this.#others = others;
    this.report = emptyPublishReport(options.source.name);
  }

  async publishAll(): Promise<void> {
    const { source, signal, limit = Infinity, onProgress } = this.#options;
    let isFirst = true;
    let isOver = false;
    try {
      // Batches are small, so a stop is looked for between them; a reader that is stopped itself rejects.
      for await (const batch of source.read()) {
        if (isFirst) this.#refuseRenamed(batch);
        isFirst = false;
        const reachedLimit = this.#take(batch, limit);
        await this.#appends.append();
        onProgress?.(this.report);
        isOver = reachedLimit || signal?.aborted === true;
        if (isOver) break;
      }
    } finally {
      await this.#appends.finish();
    }
    if (isOver) return;
    this.report.complete = true;
  }

  /** Deletes what vanished, or counts it. */
  async finish(prune: boolean): Promise<void> {
    const { log, topics, confirmPrune, onProgress } = this.#options;
    await pruneVanished({
      log,
      producer: this.#producer,
      ledger: this.#ledger,
      ledgerTopic: this.#ledgerTopic,
      recordsTopic: topics.records,
      lineKeyPrefix: LINE_KEY_PREFIX,
      unreadFiles: this.#unreadFiles,
      prune,
      ...(confirmPrune && { confirmPrune }),
      report: this.report,
    });
    onProgress?.(this.report);
  }

  /** A source that begins with nothing but the ids of another one is that one under a new name. */
  #refuseRenamed({ items }: SourceBatch): void {
    const owners = new Set<string | undefined>();
    for (const item of items)
      if (item.kind === 'item') owners.add(this.#ledger.has(item.id) ? undefined : this.#others.ownerOf(item.id));
    const [owner] = owners;
    if (owner === undefined || owners.size > 1) return;
    const { name, location } = this.#options.source;
    throw new UsageError(
      `${location} has the ids of the source "${owner}", which has published them. If it is the same source under a new ` +
        `name, give it the old one: --name=${owner}. If not, make the ids of "${name}" differ: --id='${name}-{COLUMN}'.`,
    );
  }

  /** True when the limit is reached. */
  #take(batch: SourceBatch, limit: number): boolean {
    const { report } = this;
    report.filtered += batch.filtered;
    report.bytesRead = batch.bytesRead;
    report.partial ||= batch.isPartial ?? false;
    for (const file of batch.unreadFiles ?? []) this.#unreadFiles.add(file);
    for (const item of batch.items) {
      if (report.created + report.changed >= limit) return true;
      report.read++;
      if (item.kind === 'fault') this.#takeFault(item);
      else this.#takeItem(item);
    }
    for (const document of batch.numbered ?? []) this.#takeSurplus(document);
    return false;
  }

  /** Deletes the parts that a document has no more. */
  #takeSurplus(document: NumberedIds): void {
    for (const id of surplusIds(this.#ledger, document)) {
      this.#ledger.delete(id);
      const key = Buffer.from(id);
      this.#appends.gather({ topic: this.#ledgerTopic, key, value: null });
      this.#appends.gather({ topic: this.#options.topics.records, key, value: null });
      this.report.pruned++;
    }
  }

  #takeItem(item: SourceItem): void {
    const { source, codec, clock, topics, onDecision } = this.#options;
    const ledger = this.#ledger;
    const known = ledger.has(item.id);
    const owner = known ? undefined : this.#others.ownerOf(item.id);
    if (owner !== undefined) {
      this.#takeFault(foreignFault(item, source.location, owner));
      return;
    }
    if (!ledger.mark(item.id)) {
      this.#takeFault(duplicateFault(item, source.location));
      return;
    }
    const { value, identity } = encodeItem(codec, item, source.name, clock());
    if (value.length > MOST_VALUE_BYTES) {
      this.#takeFault(tooLargeFault(item, source.location, value.length));
      return;
    }
    if (known && ledger.outcomeOf(item.id, identity, ZERO_FINGERPRINT_BYTES) === 'published') {
      this.report.unchanged++;
      onDecision?.(item, 'unchanged');
      return;
    }
    if (known) this.report.changed++;
    else this.report.created++;
    onDecision?.(item, known ? 'changed' : 'created');
    const key = Buffer.from(item.id);
    this.#appends.gather({ topic: topics.records, key, value });
    this.#enter(key, identity, 'published', item.line);
  }

  #takeFault(fault: SourceFault): void {
    const { source, topics, onDeadLetter, onDecision } = this.#options;
    const { report } = this;
    onDecision?.(fault, 'dead-lettered');
    report.deadLettered++;
    report.deadLettersByReason[fault.code] = (report.deadLettersByReason[fault.code] ?? 0) + 1;
    const identity = sha256(fault.raw);
    const ledgerKey = Buffer.from(source.isTable === true ? rowKey(fault, identity) : lineKey(fault));
    const before = this.#ledger.outcomeOf(ledgerKey, identity, ZERO_FINGERPRINT_BYTES);
    this.#ledger.mark(ledgerKey);
    if (before === 'dead-lettered') return;
    report.newDeadLetters++;
    const { file, line } = fault;
    const origin = { stage: 'produce', connector: source.name, line, ...(file !== undefined && { file }) };
    const reason = { code: fault.code, message: fault.reason };
    onDeadLetter?.(origin, reason);
    this.#appends.gather({
      topic: topics.deadLetters,
      key: Buffer.from(letterKey(source, fault, identity)),
      // A view of the reader's buffer, which the reader will use again.
      value: Uint8Array.from(fault.raw),
      headers: deadLetterHeaders(origin, reason),
    });
    this.#enter(ledgerKey, identity, 'dead-lettered', fault.line);
  }

  #enter(key: Buffer, identity: Uint8Array, outcome: 'published' | 'dead-lettered', line: number): void {
    const entry = { contentHash: identity, fingerprint: ZERO_FINGERPRINT_BYTES, outcome, offset: line } as const;
    this.#ledger.set(key, entry);
    this.#appends.gather({ topic: this.#ledgerTopic, key, value: this.#options.codec.encodeLedgerParts(entry) });
  }
}
