import type { LogDatabase } from './database.ts';
import type { CompactionRequest, TopicRow } from './protocol.ts';
import { integer } from './rows.ts';

/** What compaction plans by: a stored batch without its records. */
export interface BatchHead {
  readonly partitionId: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly count: number;
  readonly bytes: number;
  readonly appendedAt: number;
  /** Place of its first record among all of the partition. */
  readonly firstIndex: number;
  readonly dropTombstones: boolean;
}

/** All batches of a partition, in offset order. */
export function batchHeads(
  database: LogDatabase,
  topic: TopicRow,
  partitionId: number,
  request: CompactionRequest,
): readonly BatchHead[] {
  const readByAll = readByAllGroups(database, topic, partitionId);
  const tombstonesUntilMs = request.nowMs - request.tombstoneRetentionMs;
  let firstIndex = 0;
  return database.connection
    .prepare(
      `SELECT base_offset, last_offset, count, bytes, appended_at FROM batches
       WHERE partition_id = ? ORDER BY last_offset`,
    )
    .all(partitionId)
    .map((row) => {
      const lastOffset = integer(row, 'last_offset');
      const appendedAt = integer(row, 'appended_at');
      const head = {
        partitionId,
        baseOffset: integer(row, 'base_offset'),
        lastOffset,
        count: integer(row, 'count'),
        bytes: integer(row, 'bytes'),
        appendedAt,
        firstIndex,
        dropTombstones: appendedAt <= tombstonesUntilMs && lastOffset < readByAll,
      };
      firstIndex += head.count;
      return head;
    });
}

/** Records in batches that begin with a partition's first. */
export function recordsOf(heads: readonly BatchHead[]): number {
  const last = heads.at(-1);
  return last === undefined ? 0 : last.firstIndex + last.count;
}

/** The least next offset of the groups that ever committed on the topic; Infinity when there is none. */
function readByAllGroups(database: LogDatabase, topic: TopicRow, partitionId: number): number {
  const ids = topic.partitionIds.join(', ');
  const row = database.connection
    .prepare(
      `SELECT min(coalesce(here.offset, 0)) AS least FROM
         (SELECT DISTINCT group_name FROM group_offsets WHERE partition_id IN (${ids})) AS readers
         LEFT JOIN group_offsets AS here ON here.group_name = readers.group_name AND here.partition_id = ?`,
    )
    .get(partitionId);
  return row === undefined || row['least'] === null ? Infinity : integer(row, 'least');
}
