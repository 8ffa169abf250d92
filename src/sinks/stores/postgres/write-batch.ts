import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ClientBase } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { Batch } from './batch.ts';
import { quoted, type TableShape } from './table.ts';

const STAGE = 'pg_temp.embedstream_stage';
/** Sent at a time: a message for each row would take as long as the rows. */
const CHUNK_BYTES = 256 * 1024;

/** Writes a batch: into a staging table by COPY, from there into the table. To be called within a transaction. */
export async function writeBatch(client: ClientBase, batch: Batch, shape: TableShape, model: string): Promise<void> {
  const { id, embedding, model: modelColumn, created, updated } = quoted(shape.columns);
  const { idType, vectorType, dimension } = shape;
  await client.query(
    `create temp table embedstream_stage (id ${idType}, embedding ${vectorType}(${dimension}), created timestamptz) on commit drop`,
  );
  const copy = client.query(copyFrom(`copy ${STAGE} from stdin (format binary)`));
  await pipeline(Readable.from(batch.chunks(CHUNK_BYTES), { objectMode: false, highWaterMark: CHUNK_BYTES }), copy);
  if (batch.deletions > 0)
    await client.query(
      `delete from ${shape.name} as t using ${STAGE} as s
        where s.embedding is null and t.${id} = s.id and t.${modelColumn} = $1`,
      [model],
    );
  if (batch.deletions < batch.size)
    await client.query(
      `insert into ${shape.name} (${id}, ${embedding}, ${modelColumn}, ${created}, ${updated})
       select id, embedding, $1, created, now() from ${STAGE} where embedding is not null
       on conflict (${id}, ${modelColumn}) do update set
         ${embedding} = excluded.${embedding}, ${created} = excluded.${created}, ${updated} = excluded.${updated}`,
      [model],
    );
}
