import { loadLanceDb } from '../../../../src/sinks/stores/lancedb/load.ts';

export interface PlainRow {
  readonly id: string;
  readonly vector: Iterable<number>;
  readonly text: string | null;
  readonly metadata: string;
  readonly fingerprint: string;
  readonly created_at: number;
  readonly log_offset: bigint;
}

/** What tests ask of a table, more than the sink does. */
export interface PlainTable {
  query(): { toArray(): Promise<readonly PlainRow[]> };
  delete(where: string): Promise<unknown>;
  update(options: { readonly where: string; readonly valuesSql: Readonly<Record<string, string>> }): Promise<unknown>;
  add(rows: readonly object[]): Promise<unknown>;
  listIndices(): Promise<readonly { readonly columns: readonly string[]; readonly indexType: string }[]>;
  stats(): Promise<{ readonly fragmentStats: { readonly numFragments: number } }>;
}

/** undefined: there is none. */
export async function openPlain(database: string, name: string): Promise<PlainTable | undefined> {
  const connection = await loadLanceDb().lancedb.connect(database, { readConsistencyInterval: 0 });
  if (!(await connection.tableNames()).includes(name)) return undefined;
  return (await connection.openTable(name)) as unknown as PlainTable;
}

export async function rowsOf(database: string, name: string): Promise<readonly PlainRow[]> {
  return (await (await openPlain(database, name))?.query().toArray()) ?? [];
}
