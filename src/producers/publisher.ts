import type { Codec } from '../codec/port.ts';
import { UsageError } from '../errors.ts';
import { Ledger, restoreLedger } from '../ledger/ledger.ts';
import type { Log, OutputRecord, TransactionalProducer } from '../log/port.ts';
import { compactedTopic, compressedTopic, deadLetterTopic, type TopicNames } from '../log/topics.ts';
import { deadLetterHeaders, type OnDeadLetter } from '../record/dead-letter.ts';
import { sha256 } from '../record/identity.ts';
import type { Source, SourceBatch, SourceFault, SourceItem } from './port.ts';
import { encodeItem, ZERO_FINGERPRINT_BYTES } from './encode-item.ts';
import { OtherSources } from './other-sources.ts';
import { pruneVanished } from './prune.ts';
import { emptyPublishReport, type PublishReport } from './publish-report.ts';

/** Keys of a ledger entry for a line that became a dead letter; no id begins with NUL. */
const LINE_KEY_PREFIX = '\0line:';
/** What waits for an append at most, and what the last batch added. */
const MOST_GATHERED_BYTES = 4 * 1024 * 1024;

export interface PublishOptions {
  readonly source: Source;
  readonly log: Log;
  readonly codec: Codec;
  readonly topics: TopicNames;
  readonly partitions: number;
  readonly clock: () => number;
  /** Stop after this many new or changed records; what is unchanged does not count, so that a repeat makes progress. */
  readonly limit?: number;
  /** Delete records of this source that it no longer has. Needs the whole source: no `limit`, no filter. */
  readonly prune?: boolean;
  /** Asked before more than a tenth of the records is deleted; false leaves them. */
  readonly confirmPrune?: (vanished: number, total: number) => Promise<boolean>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (report: PublishReport) => void;
  /** Told of dead letters that are new. */
  readonly onDeadLetter?: OnDeadLetter;
}

/**
 * Publishes what is new or changed in a source, and its faults as dead letters, each batch with its entries in the
 * source's ledger in one transaction: killed anywhere, the next run goes on with what is missing.
 */
export async function publish(options: PublishOptions): Promise<PublishReport> {
  const { source, log, topics, partitions } = options;
  const ledgerTopic = topics.sourceLedger(source.name);
  await log.ensureTopics([
    compressedTopic(topics.records, partitions),
    deadLetterTopic(topics.deadLetters, partitions),
    compactedTopic(ledgerTopic, partitions),
  ]);
  // The producer first: it fences a run of the same source that is still alive before the ledger is read.
  const producer = await log.producer(ledgerTopic);
  try {
    const ledger = new Ledger();
    for (let partition = 0; partition < partitions; partition++)
      await restoreLedger(ledger, { log, codec: options.codec, topic: ledgerTopic, partition }, options.signal);
    const others = await OtherSources.restore(options, ledgerTopic, options.signal);
    const publisher = new Publisher(options, producer, ledger, ledgerTopic, others);
    await publisher.publishAll();
    // What a filter left out has not vanished.
    if (publisher.report.complete && publisher.report.filtered === 0) await publisher.finish(options.prune ?? false);
    return publisher.report;
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
  #outputs: OutputRecord[] = [];
  #gatheredBytes = 0;
  #writing: Promise<unknown> = Promise.resolve();
  #isWriting = false;

  constructor(
    options: PublishOptions,
    producer: TransactionalProducer,
    ledger: Ledger,
    ledgerTopic: string,
    others: OtherSources,
  ) {
    this.#options = options;
    this.#producer = producer;
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
        await this.#append();
        onProgress?.(this.report);
        isOver = reachedLimit || signal?.aborted === true;
        if (isOver) break;
      }
    } finally {
      await this.#writing;
      await this.#flush();
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
      prune,
      ...(confirmPrune && { confirmPrune }),
      report: this.report,
    });
    onProgress?.(this.report);
  }

  /**
   * Appends what has gathered, while the next batches are read and encoded. What they yield gathers in turn until that
   * append is over: the slower the log, the larger the next append.
   */
  async #append(): Promise<void> {
    if (this.#isWriting && this.#gatheredBytes < MOST_GATHERED_BYTES) return;
    await this.#writing;
    this.#isWriting = true;
    this.#writing = this.#flush().finally(() => {
      this.#isWriting = false;
    });
    // Handled when awaited; until then a rejection must not count as unhandled.
    this.#writing.catch(() => undefined);
  }

  #gather(output: OutputRecord): void {
    this.#outputs.push(output);
    this.#gatheredBytes += (output.key?.length ?? 0) + (output.value?.length ?? 0);
  }

  #flush(): Promise<unknown> {
    const outputs = this.#outputs;
    this.#outputs = [];
    this.#gatheredBytes = 0;
    return outputs.length === 0 ? Promise.resolve() : this.#producer.append(outputs);
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
    for (const item of batch.items) {
      if (report.created + report.changed >= limit) return true;
      report.read++;
      if (item.kind === 'fault') this.#takeFault(item);
      else this.#takeItem(item);
    }
    return false;
  }

  #takeItem(item: SourceItem): void {
    const { source, codec, clock, topics } = this.#options;
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
    if (known && ledger.outcomeOf(item.id, identity, ZERO_FINGERPRINT_BYTES) === 'published') {
      this.report.unchanged++;
      return;
    }
    if (known) this.report.changed++;
    else this.report.created++;
    const key = Buffer.from(item.id);
    this.#gather({ topic: topics.records, key, value });
    this.#enter(key, identity, 'published', item.line);
  }

  #takeFault(fault: SourceFault): void {
    const { source, topics, onDeadLetter } = this.#options;
    const { report } = this;
    report.deadLettered++;
    report.deadLettersByReason[fault.code] = (report.deadLettersByReason[fault.code] ?? 0) + 1;
    const ledgerKey = Buffer.from(`${LINE_KEY_PREFIX}${fault.line}:${fault.code}`);
    const identity = sha256(fault.raw);
    const before = this.#ledger.outcomeOf(ledgerKey, identity, ZERO_FINGERPRINT_BYTES);
    this.#ledger.mark(ledgerKey);
    if (before === 'dead-lettered') return;
    report.newDeadLetters++;
    const origin = { stage: 'produce', connector: source.name, line: fault.line };
    const reason = { code: fault.code, message: fault.reason };
    onDeadLetter?.(origin, reason);
    this.#gather({
      topic: topics.deadLetters,
      key: Buffer.from(`${source.name}:${fault.line}`),
      // A view of the reader's buffer, which the reader will use again.
      value: Uint8Array.from(fault.raw),
      headers: deadLetterHeaders(origin, reason),
    });
    this.#enter(ledgerKey, identity, 'dead-lettered', fault.line);
  }

  #enter(key: Buffer, identity: Uint8Array, outcome: 'published' | 'dead-lettered', line: number): void {
    const entry = { contentHash: identity, fingerprint: ZERO_FINGERPRINT_BYTES, outcome, offset: line } as const;
    this.#ledger.set(key, entry);
    this.#gather({ topic: this.#ledgerTopic, key, value: this.#options.codec.encodeLedgerParts(entry) });
  }
}

function foreignFault(item: SourceItem, location: string, owner: string): SourceFault {
  return {
    kind: 'fault',
    code: 'ID_OF_ANOTHER_SOURCE',
    reason:
      `${location}:${item.line}: the id "${item.id}" was published by the source "${owner}", which keeps it. Make the ids ` +
      `differ, for example with --id='PREFIX-{COLUMN}', or say with --name=${owner} that this is the same source.`,
    line: item.line,
    raw: item.raw ?? Buffer.from(item.text ?? item.id),
  };
}

function duplicateFault(item: SourceItem, location: string): SourceFault {
  return {
    kind: 'fault',
    code: 'DUPLICATE_ID',
    reason: `${location}:${item.line}: the id "${item.id}" was there before in this source; the first one is kept. Choose a unique column with --id.`,
    line: item.line,
    raw: item.raw ?? Buffer.from(item.text ?? item.id),
  };
}
