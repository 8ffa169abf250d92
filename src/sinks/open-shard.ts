import type { FinishedShard, ShardFormat, ShardRows, ShardWriter } from './port.ts';
import { syncFolder } from './publish.ts';
import { formatShardName } from './shard-name.ts';
import { StagedFileWriter } from './staged-file.ts';
import type { Codec } from '../codec/port.ts';
import { poisonError } from '../errors.ts';
import type { LogRecord } from '../log/port.ts';
import type { ShardDescriptor } from '../record/types.ts';

export const DELETIONS_SUFFIX = '.deletions.jsonl';

export interface OpenShardOptions {
  readonly format: ShardFormat;
  readonly codec: Pick<Codec, 'upgradeEmbedding'>;
  readonly sink: string;
  readonly topic: string;
  readonly partition: number;
  readonly model: string;
  readonly dimension: number;
  readonly stagingFolder: string;
  /** The shard folder, absolute. */
  readonly location: string;
  readonly shardRows: number;
  /** Where the run ends, if that is known: one past the last offset. */
  readonly endOffset?: number;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** What the names of the next shard's files begin with; left out: its name. Not asked where there are no rows. */
  readonly nextFileStem?: () => string;
}

export interface StagedShard {
  readonly descriptor: ShardDescriptor;
  /** In the order of `descriptor.files`. */
  readonly stagedPaths: readonly string[];
}

/** The shard that is being filled, of one partition. */
export class OpenShard {
  readonly #options: OpenShardOptions;
  #writer: ShardWriter | undefined;
  readonly #deletions: { readonly id: string; readonly offset: number }[] = [];
  #records = 0;
  #rows = 0;
  #firstOffset = -1;
  #lastOffset = -1;

  constructor(options: OpenShardOptions) {
    this.#options = options;
  }

  /** Records of the topic in it: embeddings and deletions. */
  get records(): number {
    return this.#records;
  }

  /** Takes records [from, to). */
  async append(records: readonly LogRecord[], from: number, to: number): Promise<void> {
    const deletionsBefore = this.#deletions.length;
    for (let i = from; i < to; i++) {
      const record = records[i];
      if (record?.value === null) this.#deletions.push({ id: keyText(record), offset: record.offset });
    }
    const rows = to - from - (this.#deletions.length - deletionsBefore);
    this.#records += to - from;
    this.#rows += rows;
    this.#lastOffset = records[to - 1]?.offset ?? this.#lastOffset;
    if (this.#firstOffset < 0) this.#firstOffset = records[from]?.offset ?? -1;
    if (rows === 0) return;
    const { codec } = this.#options;
    const writer = (this.#writer ??= await this.#openWriter());
    await writer.write(gatherRows(records, from, to, { codec, writer }));
  }

  /** Stages every file of the shard. */
  async finish(): Promise<StagedShard> {
    const { topic, partition, sink, format, location, model, dimension, clock, nextFileStem } = this.#options;
    const range = { topic, partition, firstOffset: this.#firstOffset, lastOffset: this.#lastOffset };
    const name = formatShardName(range);
    const finished: FinishedShard = (await this.#writer?.finish(nextFileStem?.() ?? name)) ?? {
      files: [],
      fingerprints: [],
    };
    // The deletions come first, so that who finds the rows finds what they delete.
    const files = [...this.#stageDeletions(name), ...finished.files];
    // The names under which they wait must be as durable as the commit that will follow.
    await syncFolder(this.#options.stagingFolder);
    const descriptor: ShardDescriptor = {
      ...{ name, sink, format: format.name, location, ...range },
      ...{ rows: this.#rows, deletions: this.#deletions.length, model, dimension },
      fingerprints: finished.fingerprints,
      files: files.map(({ name: file, bytes, sha256 }) => ({ name: file, bytes, sha256 })),
      createdAt: clock(),
    };
    return { descriptor, stagedPaths: files.map((file) => file.stagedPath) };
  }

  /** The last shard of a bounded run ends with it: a format whose header holds the count need not write it again. */
  #openWriter(): Promise<ShardWriter> {
    const { format, stagingFolder, dimension, model, shardRows, endOffset = Infinity } = this.#options;
    const left = endOffset - this.#firstOffset - this.#deletions.length;
    return format.open({ stagingFolder, dimension, model, expectedRows: Math.max(1, Math.min(shardRows, left)) });
  }

  async abort(): Promise<void> {
    await this.#writer?.abort();
  }

  #stageDeletions(name: string): ReturnType<StagedFileWriter['finish']>[] {
    if (this.#deletions.length === 0) return [];
    const file = new StagedFileWriter(this.#options.stagingFolder);
    file.write(Buffer.from(this.#deletions.map((deletion) => `${JSON.stringify(deletion)}\n`).join('')));
    return [file.finish(`_${name}${DELETIONS_SUFFIX}`)];
  }
}

function keyText({ key, offset }: LogRecord): string {
  if (key === null) throw poisonError('CODEC_CORRUPT', `The deletion at offset ${offset} has no key.`);
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString();
}

/** The values of records [from, to), copied to memory that is the writer's. */
export function gatherRows(
  records: readonly LogRecord[],
  from: number,
  to: number,
  { codec, writer }: { readonly codec: Pick<Codec, 'upgradeEmbedding'>; readonly writer: Pick<ShardWriter, 'room'> },
): ShardRows {
  const values: Uint8Array[] = [];
  const offsets = new Float64Array(to - from);
  let size = 0;
  for (let i = from; i < to; i++) {
    const record = records[i];
    if (record === undefined || record.value === null) continue;
    const value = codec.upgradeEmbedding(record.value);
    offsets[values.length] = record.offset;
    size += value.length;
    values.push(value);
  }
  const bytes = writer.room(size);
  const starts = new Uint32Array(values.length + 1);
  let at = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value === undefined) continue;
    bytes.set(value, at);
    at += value.length;
    starts[i + 1] = at;
  }
  return { offsets: values.length === offsets.length ? offsets : offsets.slice(0, values.length), bytes, starts };
}
