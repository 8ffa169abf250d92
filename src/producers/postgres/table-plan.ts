import { UsageError } from '../../errors.ts';
import type { PostgresAddress } from '../../postgres/address.ts';
import { listColumns, requireColumn } from '../csv/columns.ts';
import { FieldSample } from '../jsonl/field-sample.ts';
import type { JsonObject } from '../jsonl/object-mapper.ts';
import { planRecords, type RecordPlan } from '../jsonl/record-plan.ts';
import type { FormatOptions } from '../port.ts';
import { describeRows, type DescribedColumn, findTable } from './catalogue.ts';
import { ReadSession } from './read-session.ts';
import { objectOf } from './row-mapper.ts';
import { readStatement, type Statement, type Rows, wholeOf } from './statement.ts';

const SAMPLE_ROWS = 1_000;
const SAMPLE_BYTES = 256 * 1024;

/** What is read and how its rows become items: decided once, before the first of them is read. */
export interface TablePlan {
  readonly statement: Statement;
  readonly columns: readonly DescribedColumn[];
  readonly records: RecordPlan;
  readonly description: Readonly<Record<string, string>>;
}

export interface PlanRequest {
  readonly address: PostgresAddress;
  readonly from: Rows;
  readonly options: FormatOptions;
  /** For messages. */
  readonly location: string;
  readonly signal?: AbortSignal | undefined;
}

/** Rejects with a `UsageError` for what the user must change, with what the server says against a query. */
export async function planTable({ address, from, options, location, signal }: PlanRequest): Promise<TablePlan> {
  const session = await ReadSession.open(address, signal);
  try {
    const table = 'table' in from ? await findTable(session, from.table, location) : undefined;
    const whole = wholeOf(table ?? from);
    const described = await describeRows(session, whole, location);
    const { where = [], ...form } = options;
    const known = described.map(({ name }) => name);
    const readable = described.filter(({ kind }) => kind !== 'bytes');
    const names = readable.map(({ name }) => name);
    const imageBytes = imageColumn(form, described);
    const columns = imageBytes === undefined ? readable : [...readable, imageBytes];
    const isKeyed = form.id === undefined && table !== undefined && table.primaryKey.length > 0;
    const wanted = isKeyed ? { ...form, id: table.primaryKey } : form;
    const allNames = columns.map(({ name }) => name);
    const statement = readStatement(whole, allNames, { where, known });
    const sample = readStatement(whole, names, { where, known, limit: SAMPLE_ROWS });
    const records = needsSample(wanted, names) ? await sampleOf(session, sample, readable) : [];
    // Without a row the columns still are what they are.
    const nulls = objectOf([], readable);
    const fields = new FieldSample(location, records.length > 0 ? records : [nulls]);
    const plan = planRecords(wanted, fields, imageBytes?.name);
    refuseUnknown(plan, columns, described);
    return {
      statement,
      columns,
      records: plan,
      description: {
        format: table === undefined ? 'Postgres query' : 'Postgres table',
        columns: String(described.length),
        ...plan.description,
        ...(isKeyed && { id: `${table.primaryKey.join('#')} (primary key)` }),
        ...(where.length > 0 && { where: where.join(' and ') }),
        ...leftOut(described, imageBytes),
      },
    };
  } finally {
    await session.close();
  }
}

/** The column that `--image` names, where it holds bytes: then no folder is needed. */
function imageColumn({ image }: FormatOptions, described: readonly DescribedColumn[]): DescribedColumn | undefined {
  return described.find(({ name, kind, isArray }) => name === image && kind === 'bytes' && !isArray);
}

/** An expensive query is not begun twice where all is said. */
function needsSample({ id, text }: FormatOptions, names: readonly string[]): boolean {
  if (id === undefined || text === undefined) return true;
  const parts = typeof id === 'string' ? id.split(',') : id;
  return !parts.every((part) => names.includes(part.trim()));
}

async function sampleOf(
  session: ReadSession,
  statement: Statement,
  columns: readonly DescribedColumn[],
): Promise<JsonObject[]> {
  const records: JsonObject[] = [];
  let seen = 0;
  for await (const { rows, bytes } of session.stream(statement)) {
    for (const row of rows) records.push(objectOf(row, columns));
    seen += bytes;
    if (seen >= SAMPLE_BYTES) break;
  }
  return records;
}

/** A name that is no column would make dead letters of all rows, or leave out in silence what was asked for. */
function refuseUnknown(
  { fields, metadata }: RecordPlan,
  columns: readonly DescribedColumn[],
  described: readonly DescribedColumn[],
): void {
  const names = columns.map(({ name }) => name);
  const named = [...fields, ...(metadata === 'all' ? [] : metadata)].map(({ name }) => name);
  for (const name of named) {
    if (names.includes(name)) continue;
    const [column = ''] = name.split('.');
    if (columns.some((each) => each.name === column && (each.kind === 'json' || each.isArray))) continue;
    if (described.some((each) => each.name === name))
      throw new UsageError(
        `"${name}" is bytea: bytes are neither an id nor text nor metadata, only --image. ${listColumns(names)}`,
      );
    requireColumn(names, name, '--id, --text or --metadata');
    throw new UsageError(
      `There is no column "${name}"; names are written as the database has them. ${listColumns(names)}`,
    );
  }
}

function leftOut(
  described: readonly DescribedColumn[],
  image: DescribedColumn | undefined,
): { readonly 'left out'?: string } {
  const bytes = described.filter((column) => column.kind === 'bytes' && column !== image).map(({ name }) => name);
  return bytes.length === 0 ? {} : { 'left out': `${bytes.join(', ')} (bytea)` };
}
