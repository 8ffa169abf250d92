import type { LogRecord, OutputRecord, TopicInfo } from '../../log/port.ts';
import { partitionOf } from '../../log/partitioner.ts';
import { findTopic } from '../topic-reading.ts';
import { copyTopic, noteVersions } from './copy-topic.ts';
import type { GroupStarts } from './group-starts.ts';
import { moveLetter } from './move-letter.ts';
import type { Namespace } from './namespace.ts';
import { offsetsIn, type CopyRole, type SourceTopic } from './source-topics.ts';
import { checkCopied, progressGroup } from './target.ts';
import { Versions, type VersionOrder } from './versions.ts';

/** Of an entry about an older version of its record: before any offset. */
const OLDER = -1;

export interface PartCopyOptions {
  readonly source: Namespace;
  readonly target: Namespace;
  readonly partitions: number;
  readonly signal: AbortSignal;
  /** Begins a stage; told how many records of `total` were read. */
  readonly onStage: (name: string, total: number) => (read: number) => void;
}

export interface Part {
  readonly part: number;
  readonly parts: number;
  readonly isFresh: boolean;
  readonly starts: GroupStarts;
}

/** Copies the ids of every `parts`-th target partition. */
export class PartCopy {
  readonly #options: PartCopyOptions;
  readonly #part: Part;

  constructor(options: PartCopyOptions, part: Part) {
    this.#options = options;
    this.#part = part;
  }

  /** Records copied, by target topic. */
  async run(topics: readonly SourceTopic[]): Promise<ReadonlyMap<string, number>> {
    const copied = new Map<string, number>();
    const [recordsTopic, ...others] = topics;
    if (recordsTopic === undefined) return copied;
    const records = await this.#copyNewest(recordsTopic, {}, copied, ({ value }) => value);
    await this.#findCopies(recordsTopic, records);
    for (const topic of others) {
      if (topic.kind === 'dead-letters') await this.#copyLetters(topic, records, copied);
      else await this.#copyNewest(topic, this.#orderOf(topic, records), copied, this.#valueOf(topic, records));
    }
    return copied;
  }

  /** Entries and embeddings beside the version of the record that counts go before others. */
  #orderOf({ kind }: CopyRole, records: Versions): Pick<VersionOrder, 'preferred'> {
    return isOfRecords(kind) ? { preferred: (key) => records.find(key)?.partition } : {};
  }

  #valueOf({ kind }: CopyRole, records: Versions): (record: LogRecord, partition: number) => Uint8Array | null {
    if (!isOfRecords(kind)) return ({ value }) => value;
    const { codec } = this.#options.target;
    return ({ key, value }, partition) => {
      const record = key === null ? undefined : records.find(key);
      // A deletion that the processor did not come to yet.
      if (key === null || value === null || record?.isLive === false) return null;
      if (kind !== 'ledger' || record === undefined) return value;
      const entry = codec.viewLedgerEntry(value);
      const isNewest = record.partition === partition && record.offset === entry.offset;
      return codec.encodeLedgerParts({ ...entry, offset: isNewest ? records.copyOf(key) : OLDER });
    };
  }

  async #copyNewest(
    { info, into, kind, of }: SourceTopic,
    order: Pick<VersionOrder, 'preferred'>,
    copied: Map<string, number>,
    valueOf: (record: LogRecord, partition: number) => Uint8Array | null,
  ): Promise<Versions> {
    const { parts, isFresh } = this.#part;
    const onRead = this.#stage({ kind, of }, 2 * offsetsIn(info));
    const expected = Math.ceil(offsetsIn(info) / parts);
    const versions = new Versions({ ...order, partitions: info.partitions }, expected);
    const { signal, source } = this.#options;
    await noteVersions(source.log, info, versions, { isAsked: (key) => this.#isOurs(key), signal, onRead });
    const copy = (record: LogRecord, partition: number): OutputRecord | undefined => {
      const { key, offset, headers, timestampMs } = record;
      if (!this.#isOurs(key)) return undefined;
      if (key !== null && !versions.isNewest(key, partition, offset)) return undefined;
      const value = valueOf(record, partition);
      // Only what an earlier run has copied can need a deletion.
      return value === null && isFresh ? undefined : { topic: into, key, value, headers, timestampMs };
    };
    copied.set(into, await this.#copy(info, copy, onRead));
    return versions;
  }

  async #copyLetters(
    { info, into, kind, of }: SourceTopic,
    records: Versions,
    copied: Map<string, number>,
  ): Promise<void> {
    const onRead = this.#stage({ kind, of }, offsetsIn(info));
    const copy = (record: LogRecord): OutputRecord | undefined =>
      this.#isOurs(record.key) ? moveLetter(record, { ...this.#options, records }) : undefined;
    copied.set(into, await this.#copy(info, copy, onRead));
  }

  async #copy(
    topic: TopicInfo,
    copy: (record: LogRecord, partition: number) => OutputRecord | undefined,
    onRead: (records: number) => void,
  ): Promise<number> {
    const { target, signal } = this.#options;
    const group = progressGroup(target, this.#part.part, this.#part.parts);
    const copied = await copyTopic({ log: target.log, group, topic, copy, signal, onRead });
    await checkCopied(target, group, topic);
    return copied;
  }

  /** Where the records lie in the copy, and where its processors have to begin. */
  async #findCopies({ kind, of }: CopyRole, records: Versions): Promise<void> {
    const { target, signal } = this.#options;
    const { part, parts, starts } = this.#part;
    const topic = await findTopic(target.log, target.topics.records);
    const ours = topic?.partitionInfo.filter(({ partition }) => partition % parts === part) ?? [];
    if (topic === undefined) return;
    const onRead = this.#stage({ kind, of }, offsetsIn({ ...topic, partitionInfo: ours }));
    for (const info of ours)
      for await (const batch of target.log.read(topic.name, info.partition, info.startOffset, info.endOffset, {
        ...{ transient: true, signal },
      })) {
        for (const { key, offset, value } of batch.records) {
          const newest = key === null ? undefined : records.find(key);
          starts.note(info.partition, offset, value === null ? undefined : newest);
          if (key !== null && value !== null) records.setCopy(key, offset);
        }
        onRead(batch.records.length);
      }
    signal.throwIfAborted();
  }

  #isOurs(key: Uint8Array | null): boolean {
    const { part, parts } = this.#part;
    return parts === 1 || partitionOf(key, this.#options.partitions) % parts === part;
  }

  #stage({ kind, of }: CopyRole, total: number): (records: number) => void {
    const { part, parts } = this.#part;
    const name = of === '' ? kind : `${kind} ${of}`;
    const setDone = this.#options.onStage(parts === 1 ? name : `${name} ${part + 1}/${parts}`, total);
    let read = 0;
    return (records) => {
      setDone((read += records));
    };
  }
}

/** What a processor writes about records; it lies in the partition of its record. */
function isOfRecords(kind: CopyRole['kind']): boolean {
  return kind === 'ledger' || kind === 'embeddings';
}
