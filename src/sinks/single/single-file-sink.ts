import { SingleFile } from './single-file.ts';
import { SingleFolder } from './single-folder.ts';
import { singleFileNames, type SingleFileNameOptions } from './single-names.ts';
import type { Codec } from '../../codec/port.ts';
import type { Log, LogRecord, PartitionContext, PartitionTask, Progress, Task } from '../../log/port.ts';
import { compressedTopic, deadLetterTopic } from '../../log/topics.ts';
import type { OnDeadLetter } from '../../record/dead-letter.ts';
import { countRefusals, lettersOf, type LetterOrigin, type Refusal, type RefusedCounts } from '../dead-letters.ts';
import type { FileSink } from '../file-sink.ts';
import { ShardCatalog } from '../shard-catalog.ts';
import { UsableRecords } from '../usable-records.ts';

export interface SingleFileSinkOptions extends SingleFileNameOptions {
  readonly log: Log;
  readonly codec: Codec;
  readonly dimension: number;
  /** Write the files even if the log has nothing new. */
  readonly rewrite?: boolean;
  /** Milliseconds since the epoch. */
  readonly clock?: () => number;
  readonly onDeadLetter?: OnDeadLetter;
}

/**
 * The task of a sink of single files: the latest live embedding of each id of one model in `<out>/<form>/<model>/`,
 * written anew whenever the log has more, and replaced at once.
 * Errors: those of `createFileSink`.
 */
export function createSingleFileSink(options: SingleFileSinkOptions): FileSink {
  const { log, codec, topics, clock = Date.now } = options;
  const names = singleFileNames(options);
  const folder = new SingleFolder(names.folder, names.sinkName);
  const catalog = new ShardCatalog(log, codec, names.shardsTopic);
  const totals = { rows: 0, deletions: 0, shards: 0, bytes: 0 };
  const refused: RefusedCounts = { deadLettered: 0, deadLettersByReason: {} };
  const file = new SingleFile({
    ...{ ...options, names, folder, catalog, clock, topic: names.input, rewrite: options.rewrite ?? false },
    onPublished: (set) => {
      totals.rows = set.rows;
      totals.shards = 1;
      totals.bytes = set.files.reduce((sum, { bytes }) => sum + bytes, 0);
    },
  });

  let prepared: Promise<void> | undefined;
  async function prepare(): Promise<void> {
    const partitions = (await log.topics()).find((topic) => topic.name === names.input)?.partitions ?? 1;
    await log.ensureTopics([
      compressedTopic(names.shardsTopic, partitions),
      deadLetterTopic(topics.deadLetters, partitions),
    ]);
  }

  async function open({ topic, partition }: PartitionContext): Promise<PartitionTask> {
    await (prepared ??= prepare());
    await folder.clearStaging(partition);
    const place = { log, group: names.group, topic, partition, deadLetters: topics.deadLetters };
    return new SinglePartition(file, codec, { ...place, onDeadLetter: options.onDeadLetter }, refused);
  }

  const task: Task = { group: names.group, inputs: [names.input], open };
  return {
    ...task,
    sinkName: names.sinkName,
    folder: names.folder,
    stats: () => ({ folder: names.folder, ...totals, ...refused }),
    close: () => Promise.resolve(),
  };
}

/** Of a partition it keeps nothing but how far it was read, and what no file can have. */
class SinglePartition implements PartitionTask {
  readonly #file: SingleFile;
  readonly #usable: UsableRecords;
  readonly #letters: LetterOrigin;
  readonly #counts: RefusedCounts;
  #refused: Refusal[] = [];
  readonly #uncommitted = new WeakMap<Progress, readonly Refusal[]>();
  /** Next offset. */
  #seen: number | undefined;

  constructor(file: SingleFile, codec: Pick<Codec, 'upgradeEmbedding'>, letters: LetterOrigin, counts: RefusedCounts) {
    this.#file = file;
    this.#usable = new UsableRecords(codec);
    this.#letters = letters;
    this.#counts = counts;
  }

  process(records: readonly LogRecord[]): Promise<Progress> {
    this.#usable.of(records, this.#refused);
    this.#seen = (records.at(-1)?.offset ?? -1) + 1;
    return Promise.resolve({ outputs: [] });
  }

  async idle(): Promise<Progress> {
    const refused = this.#refused;
    this.#refused = [];
    const outputs = [
      ...(await this.#file.bringUp(this.#letters.partition)),
      ...(await lettersOf(refused, this.#letters)),
    ];
    const progress = { outputs, ...(this.#seen !== undefined && { offset: this.#seen }) };
    this.#uncommitted.set(progress, refused);
    return progress;
  }

  async committed(progress: Progress): Promise<void> {
    countRefusals(this.#counts, this.#uncommitted.get(progress) ?? []);
    await this.#file.publish(progress.outputs);
  }

  /** What is staged and not committed is cleared by the partition's next owner. */
  close(): Promise<void> {
    this.#file.giveUp(this.#letters.partition);
    return Promise.resolve();
  }
}
