import type { LogDatabase } from './database.ts';
import { partitionMismatch, topicUnknown } from '../log-errors.ts';
import type { TopicInfo, TopicSpec } from '../port.ts';
import type { TopicRow } from './protocol.ts';
import { integer, text, type Row } from './rows.ts';

/** Topics and their partitions. */
export class TopicStore {
  readonly #database: LogDatabase;

  constructor(database: LogDatabase) {
    this.#database = database;
  }

  ensure(specs: readonly TopicSpec[]): void {
    const { connection, write } = this.#database;
    const present = connection.prepare('SELECT partitions FROM topics WHERE name = ?');
    const partitionsOf = (name: string): number | undefined => {
      const row = present.get(name);
      return row === undefined ? undefined : integer(row, 'partitions');
    };
    if (specs.every((spec) => partitionsOf(spec.name) === spec.partitions)) return;
    write(() => {
      for (const spec of specs) {
        const partitions = partitionsOf(spec.name);
        if (partitions === undefined) this.#create(spec);
        else if (partitions !== spec.partitions) throw partitionMismatch(spec, partitions);
      }
    });
  }

  #create({ name, partitions, cleanup }: TopicSpec): void {
    const { connection } = this.#database;
    const insert = connection.prepare('INSERT INTO topics (name, partitions, cleanup) VALUES (?, ?, ?)');
    const topicId = insert.run(name, partitions, cleanup).lastInsertRowid;
    const partition = connection.prepare('INSERT INTO partitions (topic_id, partition) VALUES (?, ?)');
    for (let i = 0; i < partitions; i++) partition.run(topicId, i);
  }

  /** All topics, by name. */
  rows(): readonly TopicRow[] {
    const { connection } = this.#database;
    const partitions = connection.prepare('SELECT id FROM partitions WHERE topic_id = ? ORDER BY partition');
    return connection
      .prepare('SELECT id, name, partitions, cleanup FROM topics ORDER BY name')
      .all()
      .map((row) => ({
        ...specOf(row),
        partitionIds: partitions.all(integer(row, 'id')).map((id) => integer(id, 'id')),
      }));
  }

  /** Row ids of a topic's partitions, by partition. */
  partitionIds(name: string): readonly number[] {
    const topic = this.rows().find((row) => row.name === name);
    if (topic === undefined) throw topicUnknown(name);
    return topic.partitionIds;
  }

  /** Offsets of one moment. */
  describe(name: string): TopicInfo {
    const { connection } = this.#database;
    const topic = connection.prepare('SELECT id, name, partitions, cleanup FROM topics WHERE name = ?').get(name);
    if (topic === undefined) throw topicUnknown(name);
    const partitionInfo = connection
      .prepare('SELECT partition, end_offset FROM partitions WHERE topic_id = ? ORDER BY partition')
      .all(integer(topic, 'id'))
      .map((row) => ({ partition: integer(row, 'partition'), startOffset: 0, endOffset: integer(row, 'end_offset') }));
    return { ...specOf(topic), partitionInfo };
  }
}

function specOf(row: Row): TopicSpec {
  return {
    name: text(row, 'name'),
    partitions: integer(row, 'partitions'),
    cleanup: text(row, 'cleanup') === 'compact' ? 'compact' : 'delete',
  };
}
