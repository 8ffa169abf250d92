import { bytesOfHash } from '../../codec/hashes.ts';
import type { Codec } from '../../codec/port.ts';
import { failureOutcome, UsageError, type PipelineError } from '../../errors.ts';
import type { Log, OutputRecord, TransactionalProducer } from '../../log/port.ts';
import { compactedTopic, deadLetterTopic, type TopicNames } from '../../log/topics.ts';
import { deadLetterHeaders, type OnDeadLetter } from '../../record/dead-letter.ts';
import { sha256 } from '../../record/identity.ts';
import { importFingerprint } from '../../record/imported.ts';
import type { ModelFingerprint, RecordId } from '../../record/types.ts';
import { faultOf, isModel, tooLarge, wrongDimension, wrongModel, type Expectation } from './check-row.ts';
import { identityOf, rowHash, type RowIdentity, type Trust } from './import-identity.ts';
import { pruneImport } from './import-prune.ts';
import { countSkipped, emptyImportReport, type ImportReport } from './import-report.ts';
import type { ImportSet, ImportUnit } from './import-set.ts';
import { ImportState } from './import-state.ts';
import { wholeFile } from './jsonl-reader.ts';
import { openReader, type ReaderOptions } from './open-reader.ts';
import { RecordTexts } from './record-texts.ts';
import { fault, type ImportBatch, type ImportFault, type ImportReader, type ImportRow } from './row.ts';
import { ShardVersions } from './shard-versions.ts';

/** Keys of a ledger entry for what became a dead letter; no id begins with NUL. */
const FAULT_KEY_PREFIX = '\0row:';
const TRANSACTION_BYTES = 4 * 1024 * 1024;
/** So many rows with one fault of these, and none without: a flag is wrong, not the rows. */
const SAME_FAULT_ROWS = 100;
const FAULTS_OF_FLAGS = [
  ...['IMPORT_MODEL', 'IMPORT_DIMENSION', 'IMPORT_NO_ID'],
  ...['IMPORT_ID_OF_PROCESSOR', 'IMPORT_ID_OF_ANOTHER'],
];

export interface ImportOptions {
  readonly set: ImportSet;
  /** Under which the state of the import is kept. */
  readonly name: string;
  /** The model's name, and what else files may call it. */
  readonly model: { readonly name: string; readonly aliases: readonly string[] };
  /** Left out: the first row decides. */
  readonly dimension?: number;
  readonly reading: ReaderOptions;
  /** Left out: the vectors are of nothing but this import. */
  readonly trust?: Pick<Trust, 'fingerprint' | 'kinds'>;
  readonly log: Log;
  readonly codec: Codec;
  readonly topics: TopicNames;
  readonly partitions: number;
  readonly clock: () => number;
  /** Stop after this many new or changed rows. */
  readonly limit?: number;
  readonly prune?: boolean;
  readonly confirmPrune?: (vanished: number, total: number) => Promise<boolean>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (report: ImportReport) => void;
  readonly onDeadLetter?: OnDeadLetter;
}

/**
 * Puts embeddings that were made elsewhere on the log: each with its entries in the ledgers of the model and of the
 * import, in transactions. Killed anywhere, the next run goes on with what is missing; run again, it changes nothing.
 */
export async function importEmbeddings(options: ImportOptions): Promise<ImportReport> {
  const { log, topics, partitions, name, model, signal } = options;
  const ledgerTopic = topics.importLedger(name);
  await log.ensureTopics([
    compactedTopic(topics.embeddings(model.name), partitions),
    compactedTopic(topics.ledger(model.name), partitions),
    compactedTopic(ledgerTopic, partitions),
    deadLetterTopic(topics.deadLetters, partitions),
  ]);
  // The producer first: it fences a run of the same import that is still alive before the ledgers are read.
  const producer = await log.producer(ledgerTopic);
  try {
    const state = await ImportState.restore(options, name, model.name, signal);
    const { trust } = options;
    const texts = trust && (await RecordTexts.read(options, topics.records, trust.kinds, signal));
    const versions = await ShardVersions.read(options.set);
    const importer = new Importer(options, producer, state, versions, texts);
    await importer.importAll();
    if (importer.report.complete) await importer.finish(texts);
    return importer.report;
  } finally {
    await producer.close();
  }
}

class Importer {
  readonly report: ImportReport;
  readonly #options: ImportOptions;
  readonly #producer: TransactionalProducer;
  readonly #state: ImportState;
  readonly #versions: ShardVersions;
  readonly #trust: Trust | undefined;
  readonly #print: ModelFingerprint;
  #expected: Expectation;
  #outputs: OutputRecord[] = [];
  #outputBytes = 0;
  #bytesBefore = 0;

  constructor(
    options: ImportOptions,
    producer: TransactionalProducer,
    state: ImportState,
    versions: ShardVersions,
    texts: RecordTexts | undefined,
  ) {
    const { name, model, dimension, trust } = options;
    this.#options = options;
    this.#producer = producer;
    this.#state = state;
    this.#versions = versions;
    this.#trust = trust && { ...trust, hashOf: (id) => texts?.hashOf(id) };
    this.#print = importFingerprint(model.name, name);
    const names = new Set([model.name, ...model.aliases].map((each) => each.toLowerCase()));
    this.#expected = { model: model.name, names, dimension };
    this.report = emptyImportReport(name, model.name);
    if (dimension !== undefined) this.report.dimension = dimension;
  }

  async importAll(): Promise<void> {
    this.report.complete = await this.#importUnits();
    await this.#flush();
  }

  /** False after a stop or at the limit. */
  async #importUnits(): Promise<boolean> {
    const { set, limit = Infinity, signal } = this.#options;
    for await (const unit of set.units()) {
      if (signal?.aborted === true) return false;
      if (unit.kind === 'skipped') countSkipped(this.report, unit.name);
      else if (unit.kind === 'fault') this.#takeFaultOfFile(unit.name, unit.fault);
      else if (unit.kind !== 'deletions' && !(await this.#importUnit(unit, limit))) return false;
    }
    return true;
  }

  async finish(texts: RecordTexts | undefined): Promise<void> {
    const { topics, model, name } = this.#options;
    await pruneImport({
      ...this.#options,
      producer: this.#producer,
      state: this.#state,
      texts,
      ledgerTopic: topics.importLedger(name),
      model: model.name,
      faultKeyPrefix: FAULT_KEY_PREFIX,
      prune: this.#options.prune ?? false,
      report: this.report,
    });
    this.#options.onProgress?.(this.report);
  }

  /** False when the run is to end here. */
  async #importUnit(unit: Extract<ImportUnit, { kind: 'file' | 'npy' }>, limit: number): Promise<boolean> {
    const { file } = unit;
    const { reading, signal, onProgress } = this.#options;
    let reader: ImportReader | undefined;
    try {
      reader = await openReader(unit, reading);
    } catch (error) {
      if (failureOutcome(error) !== 'dead-letter') throw error;
      this.#takeFaultOfFile(file.name, wholeFile(error as PipelineError));
      return true;
    }
    if (reader === undefined && file.isNamed) this.#takeFaultOfFile(file.name, unknownFile(file.name));
    else if (reader === undefined || (!file.isNamed && this.#isOfAnotherModel(reader)))
      countSkipped(this.report, file.name);
    else {
      this.report.files++;
      const wrong = this.#faultOfHead(reader, file.name);
      if (wrong !== undefined) this.#takeFaultOfFile(file.name, wrong);
      else
        for await (const batch of reader.read(signal)) {
          const reachedLimit = this.#take(batch, file.name, limit);
          this.report.bytesRead = this.#bytesBefore + batch.bytesRead;
          if (this.#outputBytes >= TRANSACTION_BYTES) await this.#flush();
          onProgress?.(this.report);
          if (reachedLimit || signal?.aborted === true) return false;
        }
    }
    this.#bytesBefore += file.bytes;
    this.report.bytesRead = this.#bytesBefore;
    return true;
  }

  #isOfAnotherModel({ model }: ImportReader): boolean {
    return model !== undefined && !isModel(model, this.#expected);
  }

  #faultOfHead(reader: ImportReader, name: string): ImportFault | undefined {
    const { model, dimension } = reader;
    const expected = this.#expected.dimension;
    if (model !== undefined && this.#isOfAnotherModel(reader))
      return wholeFile({ code: 'IMPORT_MODEL', message: `${name}: ${wrongModel(model, this.#expected.model)}` });
    if (dimension !== undefined && expected !== undefined && dimension !== expected)
      return wholeFile({ code: 'IMPORT_DIMENSION', message: `${name}: ${wrongDimension(dimension, expected)}` });
    if (dimension !== undefined) this.#expect(dimension);
    return undefined;
  }

  #expect(dimension: number): void {
    this.#expected = { ...this.#expected, dimension };
    this.report.dimension = dimension;
  }

  /** True when the limit is reached. */
  #take(batch: ImportBatch, file: string, limit: number): boolean {
    const { report } = this;
    for (const row of batch.rows) {
      if (report.created + report.changed >= limit) return true;
      report.read++;
      if (row.kind === 'fault') this.#takeFault(file, row);
      else this.#takeRow(row, file);
    }
    return false;
  }

  #takeRow(row: ImportRow, file: string): void {
    const { own, model } = this.#state;
    if (!this.#versions.isLast(row.id, row.offset)) {
      this.report.superseded++;
      return;
    }
    const wrong = faultOf(row, file, this.#expected);
    const identity = wrong ?? identityOf(row, file, this.#print, this.#trust);
    if ('kind' in identity) {
      this.#takeFault(file, identity);
      return;
    }
    if (this.#expected.dimension === undefined) this.#expect(row.vector.length);
    const known = own.has(row.id);
    if (own.isMarked(row.id)) {
      this.#takeFault(file, duplicate(row, file));
      return;
    }
    const hash = rowHash(row);
    const isSame = known && own.outcomeOf(row.id, hash, this.#state.fingerprint) === 'published';
    const contentHash = bytesOfHash(identity.contentHash);
    const isThere =
      model.outcomeOf(row.id, contentHash, bytesOfHash(identity.fingerprint)) === 'embedded' ||
      (this.#trust === undefined && model.has(row.id));
    if ((isSame && (isThere || !this.#mayWrite(row.id, known))) || (!known && isThere && this.#trust !== undefined)) {
      if (known) own.mark(row.id);
      this.report.unchanged++;
    } else if (!this.#mayWrite(row.id, known)) {
      // Kept as it is: it has not vanished from the file.
      if (known) own.mark(row.id);
      this.#takeFault(file, this.#taken(row, file));
    } else this.#write(row, file, identity, hash, known);
  }

  /** What a processor or another import has made of an id is theirs. */
  #mayWrite(id: string, known: boolean): boolean {
    const { model, fingerprint } = this.#state;
    if (this.#state.ownerOf(id) !== undefined) return false;
    if (!model.has(id) || model.hasFingerprint(id, fingerprint)) return true;
    return known && this.#trust !== undefined && model.hasFingerprint(id, bytesOfHash(this.#trust.fingerprint));
  }

  #write(row: ImportRow, file: string, identity: RowIdentity, hash: Buffer, known: boolean): void {
    const { codec, topics, model, clock } = this.#options;
    const { id, vector, text, metadata, createdAt = clock(), tokenCount = 0, truncated = false } = row;
    const { contentHash, fingerprint } = identity;
    const value = codec.encodeEmbedding({
      ...{ recordId: id as RecordId, model: model.name, fingerprint, contentHash, dimension: vector.length },
      ...{ tokenCount, truncated, createdAt, metadata, vector },
      ...(text !== undefined && { text }),
    });
    const large = tooLarge(row, file, value.length);
    if (large !== undefined) {
      this.#takeFault(file, large);
      return;
    }
    if (identity.isWithoutText === true) this.report.withoutText++;
    if (known) this.report.changed++;
    else this.report.created++;
    const key = Buffer.from(id);
    this.#output({ topic: topics.embeddings(model.name), key, value });
    const entry = {
      ...{ contentHash: bytesOfHash(contentHash), fingerprint: bytesOfHash(fingerprint) },
      ...({ outcome: 'embedded', offset: -1 } as const),
    };
    this.#state.model.set(id, entry);
    this.#output({ topic: topics.ledger(model.name), key, value: codec.encodeLedgerParts(entry) });
    this.#enter(key, hash, 'published', row.row);
    this.#state.own.mark(id);
  }

  #taken(row: ImportRow, file: string): ImportFault {
    const owner = this.#state.ownerOf(row.id);
    const reason =
      owner === undefined
        ? `a processor of ${this.#expected.model} has embedded "${row.id}" here, and keeps it. Import under another model's name, or say with --trust-model that these are vectors of the same model.`
        : `the import "${owner}" has put "${row.id}" on the log, and keeps it: say with --name=${owner} that this is the same one.`;
    const code = owner === undefined ? 'IMPORT_ID_OF_PROCESSOR' : 'IMPORT_ID_OF_ANOTHER';
    return fault(code, `${file}:${row.row}: ${reason}`, row.row, row.raw());
  }

  #takeFaultOfFile(name: string, wrong: ImportFault): void {
    this.report.read++;
    this.#takeFault(name, wrong);
  }

  #takeFault(file: string, { code, reason, row, raw }: ImportFault): void {
    const { report } = this;
    report.deadLettered++;
    report.deadLettersByReason[code] = (report.deadLettersByReason[code] ?? 0) + 1;
    this.#refuseAll(code, reason);
    const ledgerKey = Buffer.from(`${FAULT_KEY_PREFIX}${file}:${row}:${code}`);
    const identity = sha256(raw);
    const before = this.#state.own.outcomeOf(ledgerKey, identity, this.#state.fingerprint);
    if (before !== 'dead-lettered') {
      report.newDeadLetters++;
      const { name, topics, onDeadLetter } = this.#options;
      const origin = { stage: 'import', connector: name, line: row };
      const why = { code, message: reason };
      onDeadLetter?.(origin, why);
      const key = Buffer.from(`${name}:${file}:${row}`);
      this.#output({ topic: topics.deadLetters, key, value: raw, headers: deadLetterHeaders(origin, why) });
      this.#enter(ledgerKey, identity, 'dead-lettered', row);
    }
    this.#state.own.mark(ledgerKey);
  }

  /** The wrong --model or --dimension would otherwise make a dead letter of every row. */
  #refuseAll(code: string, reason: string): void {
    const { read, deadLettersByReason } = this.report;
    if (read === SAME_FAULT_ROWS && deadLettersByReason[code] === read && FAULTS_OF_FLAGS.includes(code))
      throw new UsageError(`The first ${read} rows are all refused (${code}), so nothing was imported. ${reason}`);
  }

  #enter(key: Buffer, identity: Uint8Array, outcome: 'published' | 'dead-lettered', row: number): void {
    const entry = { contentHash: identity, fingerprint: this.#state.fingerprint, outcome, offset: row } as const;
    const { topics, name, codec } = this.#options;
    this.#state.own.set(key, entry);
    this.#output({ topic: topics.importLedger(name), key, value: codec.encodeLedgerParts(entry) });
  }

  #output(output: OutputRecord): void {
    this.#outputs.push(output);
    this.#outputBytes += output.value?.length ?? 0;
  }

  async #flush(): Promise<void> {
    const outputs = this.#outputs;
    this.#outputs = [];
    this.#outputBytes = 0;
    if (outputs.length > 0) await this.#producer.append(outputs);
  }
}

function duplicate(row: ImportRow, file: string): ImportFault {
  const reason = `${file}:${row.row}: the id "${row.id}" was there before in this import; the first one is kept. Choose a unique field with --id.`;
  return fault('DUPLICATE_ID', reason, row.row, row.raw());
}

function unknownFile(name: string): ImportFault {
  const what = "JSON Lines, JSON v1.0, a vector store's JSON, Parquet, npy with its rows, or a tar of them";
  return wholeFile({
    code: 'IMPORT_UNKNOWN',
    message: `${name} holds no embeddings in a form that is known here: ${what}.`,
  });
}
