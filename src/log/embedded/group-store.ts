import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { groupFenced, groupOwned, producerFenced } from '../log-errors.ts';
import type { GroupInfo, GroupMember } from '../port.ts';
import type { LogDatabase } from './database.ts';
import { LockFile } from './lock-file.ts';
import type { AcquiredGroup, AcquireRequest, Writer } from './protocol.ts';
import { integer, text, type Row } from './rows.ts';

/**
 * Epochs of producers and groups, and what groups have committed.
 *
 * An owner of a group holds a lock file that is named by group and epoch, so that a take-over never waits for an owner
 * that is frozen, and an owner that died is known to be gone. All decisions about ownership are made under the log's
 * write lock; every commit checks its epoch in its own transaction.
 */
export class GroupStore {
  readonly #database: LogDatabase;
  readonly #folder: string;
  readonly #locks = new Map<string, LockFile>();

  constructor(database: LogDatabase, dataDir: string) {
    this.#database = database;
    this.#folder = join(dataDir, 'groups');
  }

  openProducer(id: string): number {
    const { connection, write } = this.#database;
    return write(() => {
      const row = connection
        .prepare('INSERT INTO producers VALUES (?, 1) ON CONFLICT DO UPDATE SET epoch = epoch + 1 RETURNING epoch')
        .get(id);
      return row === undefined ? 1 : integer(row, 'epoch');
    });
  }

  /** Throws LOG_FENCED. Within the transaction of a write, it stays true until that is committed. */
  checkWriter(writer: Writer): void {
    const { connection } = this.#database;
    const [table, column] = writer.kind === 'producer' ? ['producers', 'id'] : ['groups', 'name'];
    const row = connection.prepare(`SELECT epoch FROM ${table} WHERE ${column} = ?`).get(writer.id);
    if (row !== undefined && integer(row, 'epoch') === writer.epoch) return;
    throw writer.kind === 'producer' ? producerFenced(writer.id) : groupFenced(writer.id);
  }

  /** Within the transaction of a write. */
  setOffset(group: string, partitionId: number, offset: number): void {
    this.#database.connection
      .prepare('INSERT INTO group_offsets VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET offset = excluded.offset')
      .run(group, partitionId, offset);
  }

  acquire({ group, inputs, takeOver, nowMs }: AcquireRequest): AcquiredGroup {
    let lock: LockFile | undefined;
    try {
      const acquired = this.#database.write(() => {
        const before = this.#row(group);
        if (!takeOver) this.#refuseIfOwned(group, before);
        const epoch = (before === undefined ? 0 : integer(before, 'epoch')) + 1;
        lock = LockFile.tryAcquire(this.#lockPath(group, epoch));
        if (lock === undefined) throw groupOwned(group, 'a process that is just beginning');
        this.#database.connection
          .prepare(
            `INSERT INTO groups VALUES (?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET epoch = excluded.epoch, owner = excluded.owner, since_ms = excluded.since_ms`,
          )
          .run(group, epoch, `pid ${process.pid} on ${hostname()}`, nowMs);
        this.#setInputs(group, inputs);
        return { epoch, lock, committed: this.#offsets(group) };
      });
      this.#locks.set(`${group}\n${acquired.epoch}`, acquired.lock);
      return { epoch: acquired.epoch, committed: acquired.committed };
    } catch (error) {
      lock?.releaseForGood();
      throw error;
    }
  }

  release(group: string, epoch: number): void {
    const name = `${group}\n${epoch}`;
    this.#locks.get(name)?.releaseForGood();
    this.#locks.delete(name);
  }

  releaseAll(): void {
    for (const lock of this.#locks.values()) lock.releaseForGood();
    this.#locks.clear();
  }

  reset(group: string, offsets: readonly { partitionId: number; offset: number }[]): void {
    const { connection, write } = this.#database;
    write(() => {
      this.#refuseIfOwned(group, this.#row(group));
      connection.prepare(`INSERT OR IGNORE INTO groups VALUES (?, 0, '', 0)`).run(group);
      for (const { partitionId, offset } of offsets) this.setOffset(group, partitionId, offset);
    });
  }

  list(): readonly GroupInfo[] {
    const { connection } = this.#database;
    const committed = connection.prepare(
      `SELECT topics.name AS topic, partitions.partition, group_offsets.offset FROM group_offsets
       JOIN partitions ON partitions.id = group_offsets.partition_id JOIN topics ON topics.id = partitions.topic_id
       WHERE group_name = ? ORDER BY topics.name, partitions.partition`,
    );
    return connection
      .prepare('SELECT name, epoch, owner, since_ms FROM groups ORDER BY name')
      .all()
      .map((row) => {
        const group = text(row, 'name');
        const offsets = committed.all(group).map((offset) => ({
          topic: text(offset, 'topic'),
          partition: integer(offset, 'partition'),
          offset: integer(offset, 'offset'),
        }));
        const isOwned = LockFile.isHeld(this.#lockPath(group, integer(row, 'epoch')));
        return { group, committed: offsets, members: isOwned ? [this.#member(group, row)] : [] };
      });
  }

  /** The owner of a group has all partitions of its inputs. */
  #member(group: string, row: Row): GroupMember {
    const assigned = this.#database.connection
      .prepare(
        `SELECT topics.name AS topic, partitions.partition FROM group_inputs
         JOIN topics ON topics.name = group_inputs.topic JOIN partitions ON partitions.topic_id = topics.id
         WHERE group_name = ? ORDER BY topics.name, partitions.partition`,
      )
      .all(group)
      .map((each) => ({ topic: text(each, 'topic'), partition: integer(each, 'partition') }));
    return { name: ownerOf(row), assigned };
  }

  #setInputs(group: string, inputs: readonly string[]): void {
    const { connection } = this.#database;
    connection.prepare('DELETE FROM group_inputs WHERE group_name = ?').run(group);
    const insert = connection.prepare('INSERT INTO group_inputs VALUES (?, ?) ON CONFLICT DO NOTHING');
    for (const topic of inputs) insert.run(group, topic);
  }

  #row(group: string): Row | undefined {
    return this.#database.connection.prepare('SELECT epoch, owner, since_ms FROM groups WHERE name = ?').get(group);
  }

  #offsets(group: string): AcquiredGroup['committed'] {
    return this.#database.connection
      .prepare('SELECT partition_id, offset FROM group_offsets WHERE group_name = ?')
      .all(group)
      .map((row) => ({ partitionId: integer(row, 'partition_id'), offset: integer(row, 'offset') }));
  }

  #refuseIfOwned(group: string, row: Row | undefined): void {
    if (row === undefined || !LockFile.isHeld(this.#lockPath(group, integer(row, 'epoch')))) return;
    throw groupOwned(group, ownerOf(row));
  }

  /** Never from the group's own text: it may hold anything. */
  #lockPath(group: string, epoch: number): string {
    return join(this.#folder, `${createHash('sha256').update(group).digest('hex').slice(0, 24)}-${epoch}.lock`);
  }
}

function ownerOf(row: Row): string {
  return `${text(row, 'owner')} since ${new Date(integer(row, 'since_ms')).toISOString()}`;
}
