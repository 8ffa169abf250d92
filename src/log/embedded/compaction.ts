import { join } from 'node:path';
import { fatalError } from '../../errors.ts';
import { release } from '../../record/release.ts';
import { CHUNK_BYTES } from './append-packing.ts';
import { batchHeads, recordsOf, type BatchHead } from './batch-heads.ts';
import type { BatchStore, StoredBatch } from './batch-store.ts';
import { passesFor, RecordBits, SupersededFinder } from './compaction-plan.ts';
import type { LogDatabase } from './database.ts';
import { DIGEST_WORDS, digestsOf } from './key-digests.ts';
import { LockFile } from './lock-file.ts';
import type { CompactionRequest, TopicRow } from './protocol.ts';
import { DELTA_AT, SIZE_AT } from './record-format.ts';
import { blob, integer } from './rows.ts';

/** Batches at least this large are left alone when all their records are live; smaller ones are joined. */
const SMALL_BATCH_BYTES = 64 * 1024;
const VACUUM_PAGES = 256;
const BATCHES_A_TURN = 64;
const WORTHWHILE_BYTES = 64 * 1024 * 1024;
/** An estimate looks at one key in at most so many, and at about this many records at least. */
const MOST_SAMPLED = 16;
const LEAST_SAMPLE_RECORDS = 10_000;

/** Records that go into one new batch, and the batches they come from. */
interface Gathered {
  readonly from: BatchHead[];
  readonly parts: { readonly data: Uint8Array; readonly digests: Uint32Array; readonly offset: number }[];
  bytes: number;
}

/**
 * Compaction of one log, in small transactions: each replaces a few batches by one that holds their live records, in
 * offset order, so that a kill at any moment leaves a log that is compacted up to some place. Offsets stay. One
 * compaction runs at a time on a log, across processes.
 */
export class Compactor {
  readonly #database: LogDatabase;
  readonly #batches: BatchStore;
  readonly #lockPath: string;

  constructor(database: LogDatabase, batches: BatchStore, dataDir: string) {
    this.#database = database;
    this.#batches = batches;
    this.#lockPath = join(dataDir, 'compaction.lock');
  }

  /** Does nothing while another process compacts. `turn` lets other work of this thread go first. */
  async compact(topics: readonly TopicRow[], request: CompactionRequest, turn: () => Promise<void>): Promise<void> {
    const lock = LockFile.tryAcquire(this.#lockPath);
    if (lock === undefined) return;
    try {
      for (const topic of topics) {
        if (topic.cleanup !== 'compact') continue;
        for (const id of topic.partitionIds)
          await this.#compactPartition(batchHeads(this.#database, topic, id, request), turn);
      }
      await this.#returnSpace(turn);
    } finally {
      lock.release();
    }
  }

  /** Whether more than 64 MiB and more than half of a topic are superseded, estimated from a sample of the keys when they are many. */
  async isWorthwhile(topic: TopicRow, request: CompactionRequest, turn: () => Promise<void>): Promise<boolean> {
    if (topic.cleanup !== 'compact') return false;
    let bytes = 0;
    let superseded = 0;
    for (const id of topic.partitionIds) {
      const heads = batchHeads(this.#database, topic, id, request);
      const records = recordsOf(heads);
      const partitionBytes = heads.reduce((sum, head) => sum + head.bytes, 0);
      bytes += partitionBytes;
      if (records === 0) continue;
      const oneIn = Math.max(1, Math.min(MOST_SAMPLED, Math.floor(records / LEAST_SAMPLE_RECORDS)));
      const finder = new SupersededFinder(records, oneIn, 0, new RecordBits(records));
      await this.#scan(heads, finder, turn);
      superseded += partitionBytes * Math.min(1, (finder.found * oneIn) / records);
    }
    return superseded > WORTHWHILE_BYTES && superseded > bytes / 2;
  }

  async #scan(heads: readonly BatchHead[], finder: SupersededFinder, turn: () => Promise<void>): Promise<void> {
    let since = 0;
    for (const head of heads) {
      const digests = this.#digests(head);
      finder.add(digests, head.firstIndex, head.dropTombstones);
      // 12 MB for a million records, and too few objects for the collector to come by.
      release(digests);
      if (++since % BATCHES_A_TURN === 0) await turn();
    }
  }

  #digests({ partitionId, lastOffset }: BatchHead): Uint32Array<ArrayBuffer> {
    const row = this.#database.connection
      .prepare('SELECT digests FROM batches WHERE partition_id = ? AND last_offset = ?')
      .get(partitionId, lastOffset);
    if (row === undefined)
      throw fatalError('LOG_UNREADABLE', `${this.#database.path} is damaged: a batch of it vanished.`);
    return digestsOf(blob(row, 'digests'));
  }

  async #compactPartition(heads: readonly BatchHead[], turn: () => Promise<void>): Promise<void> {
    const records = recordsOf(heads);
    const dead = new RecordBits(records);
    const passes = passesFor(records);
    for (let pass = 0; pass < passes; pass++) {
      await this.#scan(heads, new SupersededFinder(records, passes, pass, dead), turn);
    }
    let gathered: Gathered = { from: [], parts: [], bytes: 0 };
    const flush = async (): Promise<void> => {
      this.#replace(gathered, dead);
      gathered = { from: [], parts: [], bytes: 0 };
      await turn();
    };
    for (const head of heads) {
      const isClean = dead.count(head.firstIndex, head.firstIndex + head.count) === 0;
      if (isClean && head.bytes >= SMALL_BATCH_BYTES) await flush();
      else {
        // A batch is joined whole, so that its rows are replaced in one transaction.
        if (gathered.bytes > 0 && gathered.bytes + head.bytes > CHUNK_BYTES) await flush();
        this.#gather(gathered, head, dead);
      }
    }
    await flush();
  }

  #gather(gathered: Gathered, head: BatchHead, dead: RecordBits): void {
    gathered.from.push(head);
    const data = this.#batches.read(head.partitionId, head.lastOffset);
    const digests = this.#digests(head);
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    let at = 0;
    for (let i = 0; i < head.count; i++) {
      const end = at + view.getUint32(at + SIZE_AT, true);
      if (!dead.has(head.firstIndex + i)) {
        const part = digests.subarray(i * DIGEST_WORDS, (i + 1) * DIGEST_WORDS);
        const offset = head.baseOffset + view.getUint32(at + DELTA_AT, true);
        gathered.parts.push({ data: data.subarray(at, end), digests: part, offset });
        gathered.bytes += end - at;
      }
      at = end;
    }
  }

  #replace(gathered: Gathered, dead: RecordBits): void {
    const { from } = gathered;
    const [only] = from;
    if (only === undefined) return;
    const isUnchanged = from.length === 1 && dead.count(only.firstIndex, only.firstIndex + only.count) === 0;
    if (isUnchanged) return;
    const { connection, write } = this.#database;
    const remove = connection.prepare('DELETE FROM batches WHERE partition_id = ? AND last_offset = ?');
    write(() => {
      let removed = 0;
      for (const { partitionId, lastOffset } of from) removed += Number(remove.run(partitionId, lastOffset).changes);
      if (removed !== from.length)
        throw fatalError('LOG_UNREADABLE', `${this.#database.path}: batches changed under compaction.`);
      const batch = joined(gathered);
      if (batch !== undefined) this.#batches.insert(batch);
    });
  }

  /** Gives free pages back to the file system, a few at a time. */
  async #returnSpace(turn: () => Promise<void>): Promise<void> {
    const { connection } = this.#database;
    const freePages = (): number => {
      const row = connection.prepare('PRAGMA freelist_count').get();
      return row === undefined ? 0 : integer(row, 'freelist_count');
    };
    for (let free = freePages(); free > 0;) {
      connection.exec(`PRAGMA incremental_vacuum(${VACUUM_PAGES})`);
      await turn();
      const left = freePages();
      // Another process may be using free pages, or making more of them: either ends this.
      if (left >= free) return;
      free = left;
    }
  }
}

function joined({ from, parts, bytes }: Gathered): StoredBatch | undefined {
  const [first] = parts;
  const last = from.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const data = new Uint8Array(bytes);
  const view = new DataView(data.buffer);
  const digests = new Uint32Array(parts.length * DIGEST_WORDS);
  const baseOffset = first.offset;
  let at = 0;
  parts.forEach((part, i) => {
    data.set(part.data, at);
    view.setUint32(at + DELTA_AT, part.offset - baseOffset, true);
    digests.set(part.digests, i * DIGEST_WORDS);
    at += part.data.length;
  });
  const appendedAt = Math.max(...from.map((head) => head.appendedAt));
  const { partitionId, lastOffset } = last;
  return { partitionId, baseOffset, lastOffset, count: parts.length, appendedAt, digests, data };
}
