import { failureOutcome, type PipelineError } from '../../errors.ts';
import { compactedTopic, deadLetterTopic } from '../../log/topics.ts';
import type { ImportOptions } from './import-options.ts';
import { pruneImport } from './import-prune.ts';
import { countSkipped, emptyImportReport, type ImportReport } from './import-report.ts';
import type { ImportUnit } from './import-set.ts';
import { ImportState } from './import-state.ts';
import { FAULT_KEY_PREFIX, ImportWriter } from './import-writer.ts';
import { wholeFile } from './jsonl-reader.ts';
import { openReader } from './open-reader.ts';
import { RecordTexts } from './record-texts.ts';
import type { ImportFault, ImportReader } from './row.ts';
import { RowImporter } from './row-importer.ts';
import { ShardVersions } from './shard-versions.ts';

/**
 * Puts embeddings that were made elsewhere on the log: each with its entries in the ledgers of the model and of the
 * import, in transactions. Killed anywhere, the next run goes on with what is missing; run again, it changes nothing.
 * No processor of the model may be at work meanwhile.
 */
export async function importEmbeddings(options: ImportOptions): Promise<ImportReport> {
  const { log, topics, partitions, name, model, signal, trust, set } = options;
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
    const texts = trust && (await RecordTexts.read(options, topics.records, trust.kinds, signal));
    const versions = await ShardVersions.read(set);
    const report = emptyImportReport(name, model.name);
    const writer = new ImportWriter(options, producer, state);
    const rows = new RowImporter(options, {
      ...{ writer, state, versions, report },
      trust: trust && { ...trust, hashOf: (id) => texts?.hashOf(id) },
    });
    report.complete = await new FileImporter(options, rows, writer, report).importAll();
    await writer.flush();
    if (report.complete) {
      const prune = options.prune ?? false;
      const pruning = { ...options, model: model.name, faultKeyPrefix: FAULT_KEY_PREFIX, prune };
      await pruneImport({ ...pruning, ...{ producer, state, texts, ledgerTopic, report } });
    }
    options.onProgress?.(report);
    return report;
  } finally {
    await producer.close();
  }
}

/** Goes through the files. */
class FileImporter {
  readonly #options: ImportOptions;
  readonly #rows: RowImporter;
  readonly #writer: ImportWriter;
  readonly #report: ImportReport;
  #bytesBefore = 0;

  constructor(options: ImportOptions, rows: RowImporter, writer: ImportWriter, report: ImportReport) {
    this.#options = options;
    this.#rows = rows;
    this.#writer = writer;
    this.#report = report;
  }

  /** False after a stop or at the limit. */
  async importAll(): Promise<boolean> {
    const { set, signal } = this.#options;
    for await (const unit of set.units()) {
      if (signal?.aborted === true) return false;
      if (unit.kind === 'skipped') countSkipped(this.#report, unit.name);
      else if (unit.kind === 'fault') this.#rows.take(unit.fault, unit.name);
      else if (unit.kind !== 'deletions' && !(await this.#importUnit(unit))) return false;
    }
    return true;
  }

  async #importUnit(unit: Extract<ImportUnit, { kind: 'file' | 'npy' }>): Promise<boolean> {
    const { file } = unit;
    const opened = await this.#open(unit);
    const goesOn = opened === undefined || (await this.#read(opened, file.name));
    this.#bytesBefore += file.bytes;
    this.#report.bytesRead = this.#bytesBefore;
    return goesOn;
  }

  /** undefined: there is nothing in it to import, which is counted. */
  async #open(unit: Extract<ImportUnit, { kind: 'file' | 'npy' }>): Promise<ImportReader | undefined> {
    const { name, isNamed } = unit.file;
    const opened = await this.#readerOf(unit);
    const reader = opened !== undefined && 'read' in opened ? opened : undefined;
    const isSkipped = !isNamed && (opened === undefined || (reader && this.#rows.isOfAnotherModel(reader)) === true);
    if (isSkipped) {
      countSkipped(this.#report, name);
      return undefined;
    }
    if (reader !== undefined) this.#report.files++;
    const wrong = opened === undefined || 'read' in opened ? this.#faultOf(reader, name) : opened;
    if (wrong === undefined) return reader;
    this.#rows.take(wrong, name);
    return undefined;
  }

  #faultOf(reader: ImportReader | undefined, name: string): ImportFault | undefined {
    return reader === undefined ? unknownFile(name) : this.#rows.faultOfHead(reader, name);
  }

  async #readerOf(
    unit: Extract<ImportUnit, { kind: 'file' | 'npy' }>,
  ): Promise<ImportReader | ImportFault | undefined> {
    try {
      return await openReader(unit, this.#options.reading);
    } catch (error) {
      if (failureOutcome(error) !== 'dead-letter') throw error;
      return wholeFile(error as PipelineError);
    }
  }

  async #read(reader: ImportReader, name: string): Promise<boolean> {
    const { limit = Infinity, signal, onProgress } = this.#options;
    const report = this.#report;
    for await (const batch of reader.read(signal)) {
      for (const row of batch.rows) {
        if (report.created + report.changed >= limit) return false;
        this.#rows.take(row, name);
      }
      report.bytesRead = this.#bytesBefore + batch.bytesRead;
      if (this.#writer.isFull) await this.#writer.flush();
      onProgress?.(report);
      if (signal?.aborted === true) return false;
    }
    return true;
  }
}

function unknownFile(name: string): ImportFault {
  const forms = "JSON Lines, JSON v1.0, a vector store's JSON, Parquet, npy with its rows, or a tar of them";
  const message = `${name} holds no embeddings in a form that is known here: ${forms}.`;
  return wholeFile({ code: 'IMPORT_UNKNOWN', message });
}
