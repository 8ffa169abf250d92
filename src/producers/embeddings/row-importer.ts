import { bytesOfHash } from '../../codec/hashes.ts';
import { UsageError } from '../../errors.ts';
import { importFingerprint } from '../../record/imported.ts';
import type { ModelFingerprint } from '../../record/types.ts';
import { faultOf, isModel, wrongDimension, wrongModel, type Expectation } from './check-row.ts';
import { identityOf, rowHash, type RowIdentity, type Trust } from './import-identity.ts';
import type { ImportOptions } from './import-options.ts';
import type { ImportReport } from './import-report.ts';
import type { ImportState } from './import-state.ts';
import type { ImportWriter } from './import-writer.ts';
import { wholeFile } from './jsonl-reader.ts';
import { fault, type ImportFault, type ImportHead, type ImportRow } from './row.ts';
import type { ShardVersions } from './shard-versions.ts';

/** So many rows with one fault of these, and none without: a flag is wrong, not the rows. */
const SAME_FAULT_ROWS = 100;
const FAULTS_OF_FLAGS = [
  ...['IMPORT_MODEL', 'IMPORT_DIMENSION', 'IMPORT_NO_ID'],
  ...['IMPORT_ID_OF_PROCESSOR', 'IMPORT_ID_OF_ANOTHER'],
];

interface Parts {
  readonly writer: ImportWriter;
  readonly state: ImportState;
  readonly versions: ShardVersions;
  readonly trust: Trust | undefined;
  readonly report: ImportReport;
}

/** Decides what becomes of each row, and counts it as exactly one thing. */
export class RowImporter {
  readonly #parts: Parts;
  readonly #print: ModelFingerprint;
  #expected: Expectation;

  constructor({ name, model, dimension }: Pick<ImportOptions, 'name' | 'model' | 'dimension'>, parts: Parts) {
    this.#parts = parts;
    this.#print = importFingerprint(model.name, name);
    const names = new Set([model.name, ...model.aliases].map((each) => each.toLowerCase()));
    this.#expected = { model: model.name, names, dimension };
    if (dimension !== undefined) parts.report.dimension = dimension;
  }

  isOfAnotherModel({ model }: ImportHead): boolean {
    return model !== undefined && !isModel(model, this.#expected);
  }

  /** What is wrong with a file by what it says of itself; takes its dimension for that of all rows. */
  faultOfHead(head: ImportHead, file: string): ImportFault | undefined {
    const { model, dimension } = head;
    const { dimension: expected, model: wanted } = this.#expected;
    if (model !== undefined && this.isOfAnotherModel(head))
      return wholeFile({ code: 'IMPORT_MODEL', message: `${file}: ${wrongModel(model, wanted)}` });
    if (dimension !== undefined && expected !== undefined && dimension !== expected)
      return wholeFile({ code: 'IMPORT_DIMENSION', message: `${file}: ${wrongDimension(dimension, expected)}` });
    if (dimension !== undefined) this.#expect(dimension);
    return undefined;
  }

  take(row: ImportRow | ImportFault, file: string): void {
    this.#parts.report.read++;
    const wrong = row.kind === 'fault' ? row : this.#takeRow(row, file);
    if (wrong !== undefined) this.#takeFault(file, wrong);
  }

  #expect(dimension: number): void {
    this.#expected = { ...this.#expected, dimension };
    this.#parts.report.dimension = dimension;
  }

  #takeRow(row: ImportRow, file: string): ImportFault | undefined {
    const { state, trust, versions, report } = this.#parts;
    const { own } = state;
    if (!versions.isLast(row.id, row.offset)) {
      report.superseded++;
      return undefined;
    }
    const identity = faultOf(row, file, this.#expected) ?? identityOf(row, file, this.#print, trust);
    if ('kind' in identity) return identity;
    if (this.#expected.dimension === undefined) this.#expect(row.vector.length);
    if (own.isMarked(row.id)) return duplicate(row, file);
    const known = own.has(row.id);
    const hash = rowHash(row);
    const isThere = this.#isThere(row.id, identity);
    const mayWrite = this.#mayWrite(row.id, known);
    const isSame = known && own.outcomeOf(row.id, hash, state.fingerprint) === 'published';
    const isUnchanged = (isSame && (isThere || !mayWrite)) || (!known && isThere && trust !== undefined);
    if (isUnchanged || mayWrite) {
      if (isUnchanged) report.unchanged++;
      else return this.#write(row, file, { identity, hash, known });
    }
    // It has not vanished from the files, whoever keeps it.
    if (known) own.mark(row.id);
    return isUnchanged ? undefined : this.#taken(row, file);
  }

  #write(
    row: ImportRow,
    file: string,
    { identity, hash, known }: { readonly identity: RowIdentity; readonly hash: Buffer; readonly known: boolean },
  ): ImportFault | undefined {
    const { writer, report } = this.#parts;
    const large = writer.embedding(row, file, identity, hash);
    if (large !== undefined) return large;
    if (identity.isWithoutText === true) report.withoutText++;
    if (known) report.changed++;
    else report.created++;
    return undefined;
  }

  /** The model has an embedding of this identity; without trust any will do, since only the import can have made it. */
  #isThere(id: string, { contentHash, fingerprint }: RowIdentity): boolean {
    const { model } = this.#parts.state;
    if (this.#parts.trust === undefined) return model.has(id);
    return model.outcomeOf(id, bytesOfHash(contentHash), bytesOfHash(fingerprint)) === 'embedded';
  }

  /** What a processor or another import has made of an id is theirs. */
  #mayWrite(id: string, known: boolean): boolean {
    const { state, trust } = this.#parts;
    const { model, fingerprint } = state;
    if (!known && state.ownerOf(id) !== undefined) return false;
    if (!model.has(id) || model.hasFingerprint(id, fingerprint)) return true;
    return known && trust !== undefined && model.hasFingerprint(id, bytesOfHash(trust.fingerprint));
  }

  #taken(row: ImportRow, file: string): ImportFault {
    const { id } = row;
    const owner = this.#parts.state.ownerOf(id);
    const [code, reason] =
      owner === undefined
        ? [
            'IMPORT_ID_OF_PROCESSOR',
            `a processor of ${this.#expected.model} has embedded "${id}" here, and keeps it. Import under another model's name, or say with --trust-model that these are vectors of the same model.`,
          ]
        : [
            'IMPORT_ID_OF_ANOTHER',
            `the import "${owner}" has put "${id}" on the log, and keeps it: say with --name=${owner} that this is the same one.`,
          ];
    return fault(code, `${file}:${row.row}: ${reason}`, row.row, row.raw());
  }

  #takeFault(file: string, wrong: ImportFault): void {
    const { report, writer } = this.#parts;
    const { code, reason } = wrong;
    report.deadLettered++;
    report.deadLettersByReason[code] = (report.deadLettersByReason[code] ?? 0) + 1;
    // The wrong --model or --dimension would otherwise make a dead letter of every row.
    const { read, deadLettersByReason } = report;
    if (read === SAME_FAULT_ROWS && deadLettersByReason[code] === read && FAULTS_OF_FLAGS.includes(code))
      throw new UsageError(`The first ${read} rows are all refused (${code}), so nothing was imported. ${reason}`);
    if (writer.deadLetter(file, wrong)) report.newDeadLetters++;
  }
}

function duplicate(row: ImportRow, file: string): ImportFault {
  const reason = `${file}:${row.row}: the id "${row.id}" was there before in this import; the first one is kept. Choose a unique field with --id.`;
  return fault('DUPLICATE_ID', reason, row.row, row.raw());
}
