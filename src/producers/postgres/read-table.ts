import type { PostgresAddress } from '../../postgres/address.ts';
import type { SourceBatch } from '../port.ts';
import { ReadSession } from './read-session.ts';
import { RowMapper } from './row-mapper.ts';
import type { TablePlan } from './table-plan.ts';

/** All rows, once, over a connection of their own. */
export async function* readTable(
  address: PostgresAddress,
  { statement, columns, records }: TablePlan,
  location: string,
  signal?: AbortSignal,
): AsyncGenerator<SourceBatch> {
  const session = await ReadSession.open(address, signal);
  try {
    const mapper = new RowMapper(columns, records, location);
    let row = 0;
    let bytesRead = 0;
    for await (const { rows, bytes } of session.stream(statement)) {
      bytesRead += bytes;
      yield { items: rows.map((values) => mapper.map(values, ++row)), filtered: 0, bytesRead };
    }
  } finally {
    await session.close();
  }
}
