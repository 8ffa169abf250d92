import type { ClientBase } from 'pg';
import { escapeIdentifier } from 'pg';
import { fatalError } from '../../../errors.ts';
import type { TableShape } from './table.ts';

const TABLE = 'embedstream_offsets';
/** The row that tells of the sink as a whole. */
const SINK_ROW = -1;

/**
 * Up to where each partition of a sink is in its table, in a table of our own beside it: moved in the transaction of the
 * rows, so that no change is written twice or left out whatever happens. `epoch` grows with every owner of a partition;
 * a transaction of one who was frozen and is no longer the owner finds another epoch, and is rolled back.
 */
export class Offsets {
  readonly #table: string;
  readonly #sink: string;
  /** Name of the lock that a transaction holds. */
  readonly #lock: string;

  constructor({ schema }: Pick<TableShape, 'schema'>, sink: string) {
    this.#table = `${schema}.${escapeIdentifier(TABLE)}`;
    this.#sink = sink;
    this.#lock = `embedstream ${this.#table} ${sink}`;
  }

  /**
   * Ends the transactions of those who had a partition before (left out: any of them) and are frozen in the middle of one.
   * Whoever calls this is the owner by now.
   */
  async evict(client: ClientBase, partition?: number): Promise<void> {
    await client.query(
      `select pg_terminate_backend(pid) from pg_locks
        where locktype = 'advisory' and granted and pid <> pg_backend_pid() and objsubid = 2
          and database = (select oid from pg_database where datname = current_database())
          and classid = (hashtext($1)::bigint & 4294967295)::oid and objid = coalesce($2::int::oid, objid)`,
      [this.#lock, partition],
    );
  }

  /** To be called within a transaction. True: no partition has written yet, to the table as it is now. */
  async prepare(client: ClientBase, { oid }: TableShape): Promise<boolean> {
    await client.query(`
      create table if not exists ${this.#table} (
        sink text not null,
        partition_number int not null,
        next_offset bigint,
        epoch bigint not null default 0,
        table_oid bigint,
        rebuild_since timestamptz,
        primary key (sink, partition_number))`);
    const { rows } = await client.query<{ same: boolean | null }>(
      `insert into ${this.#table} as o (sink, partition_number, table_oid) values ($1, ${SINK_ROW}, $2)
         on conflict (sink, partition_number) do update set epoch = o.epoch + 1
       returning table_oid = $2 as same`,
      [this.#sink, oid],
    );
    // Somebody has dropped the table, and it was made anew.
    if (rows[0]?.same !== true) {
      await this.forget(client);
      await client.query(
        `update ${this.#table} set table_oid = $2 where sink = $1 and partition_number = ${SINK_ROW}`,
        [this.#sink, oid],
      );
    }
    const written = await client.query(
      `select 1 from ${this.#table} where sink = $1 and next_offset is not null limit 1`,
      [this.#sink],
    );
    return written.rowCount === 0;
  }

  /** Every partition begins from the start; whoever writes at the time is fenced. */
  async forget(client: ClientBase): Promise<void> {
    await client.query(
      `update ${this.#table} set next_offset = null, epoch = epoch + 1 where sink = $1 and partition_number >= 0`,
      [this.#sink],
    );
  }

  async rewind(client: ClientBase, partition: number, offset: number): Promise<void> {
    await client.query(
      `update ${this.#table} set next_offset = least(next_offset, $3), epoch = epoch + 1
        where sink = $1 and partition_number = $2`,
      [this.#sink, partition, offset],
    );
  }

  /** Until the transaction ends. */
  async #alone(client: ClientBase, partition: number): Promise<void> {
    await client.query('select pg_advisory_xact_lock(hashtext($1), $2)', [this.#lock, partition]);
  }

  /** Takes a partition over from whoever had it before. */
  async take(
    client: ClientBase,
    partition: number,
  ): Promise<{ readonly epoch: string; readonly next: number | undefined }> {
    await this.#alone(client, partition);
    const { rows } = await client.query<{ epoch: string; next: string | null }>(
      `insert into ${this.#table} as o (sink, partition_number) values ($1, $2)
         on conflict (sink, partition_number) do update set epoch = o.epoch + 1
       returning epoch::text, next_offset::text as next`,
      [this.#sink, partition],
    );
    const [row] = rows;
    return { epoch: row?.epoch ?? '0', next: row?.next == null ? undefined : Number(row.next) };
  }

  /**
   * Holds the partition until the transaction ends; answers with the next offset.
   *
   * @throws LOG_FENCED where another process has taken the partition over
   */
  async hold(client: ClientBase, partition: number, epoch: string): Promise<number | undefined> {
    await this.#alone(client, partition);
    const { rows } = await client.query<{ epoch: string; next: string | null }>(
      `select epoch::text, next_offset::text as next from ${this.#table} where sink = $1 and partition_number = $2`,
      [this.#sink, partition],
    );
    const [row] = rows;
    if (row?.epoch === epoch) return row.next === null ? undefined : Number(row.next);
    throw fatalError(
      'LOG_FENCED',
      `Another process writes partition ${partition} of ${this.#sink} to Postgres now, so this one stops.`,
    );
  }

  async move(client: ClientBase, partition: number, next: number): Promise<void> {
    await client.query(`update ${this.#table} set next_offset = $3 where sink = $1 and partition_number = $2`, [
      this.#sink,
      partition,
      next,
    ]);
  }

  /** Rows that were written before now, and that nobody writes until `rebuildSince` is taken, are of no record any more. */
  async noteRebuild(client: ClientBase): Promise<void> {
    await client.query(
      `update ${this.#table} set rebuild_since = now() where sink = $1 and partition_number = ${SINK_ROW}`,
      [this.#sink],
    );
  }

  /** Undefined: there is no rebuild under way. As Postgres writes it, since a Date has milliseconds only. */
  async takeRebuild(client: ClientBase): Promise<string | undefined> {
    const { rows } = await client.query<{ since: string | null }>(
      `select rebuild_since::text as since from ${this.#table}
        where sink = $1 and partition_number = ${SINK_ROW} for update`,
      [this.#sink],
    );
    const since = rows[0]?.since ?? undefined;
    if (since !== undefined)
      await client.query(
        `update ${this.#table} set rebuild_since = null where sink = $1 and partition_number = ${SINK_ROW}`,
        [this.#sink],
      );
    return since;
  }
}
