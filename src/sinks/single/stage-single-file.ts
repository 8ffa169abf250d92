import { LatestEmbeddings, type LatestOptions } from './latest-embeddings.ts';
import type { SingleFileNames } from './single-names.ts';
import type { PartitionInfo } from '../../log/port.ts';
import type { ShardDescriptor } from '../../record/types.ts';
import { JsonWriter } from '../json/json-writer.ts';
import { KEYS_SUFFIX } from '../json/jsonl-encoder.ts';
import { gatherRows } from '../open-shard.ts';
import type { ShardWriter, StagedFile } from '../port.ts';
import { syncFolder } from '../publish.ts';
import type { SingleForm } from '../shard-encoder.ts';
import { StagedFileWriter } from '../staged-file.ts';
import { createShardFormat } from '../worker-format.ts';

export interface StageOptions extends LatestOptions {
  readonly form: SingleForm;
  readonly model: string;
  readonly dimension: number;
  readonly names: SingleFileNames;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** A set of files that waits to be published. */
export interface StagedSet {
  /** One a partition: what is in the files of it. The files themselves are the first one's. */
  readonly descriptors: readonly ShardDescriptor[];
  /** In the order in which they are published. */
  readonly files: readonly StagedFile[];
  readonly rows: number;
}

/** Writes the latest live embeddings of these partitions to files in `stagingFolder`, fsynced. */
export async function stageSingleFile(
  options: StageOptions,
  partitions: readonly PartitionInfo[],
  stagingFolder: string,
): Promise<StagedSet> {
  const { form, model, dimension, names, clock } = options;
  const createdMs = clock();
  const latest: LatestEmbeddings[] = [];
  for (const partition of partitions) latest.push(await LatestEmbeddings.find(options, partition));
  const rows = latest.reduce((sum, { count }) => sum + count, 0);
  const format = createShardFormat({ format: form, createdMs });
  try {
    const writer = await format.open({ stagingFolder, dimension, model, expectedRows: rows });
    const keys: StagedFile[] = [];
    for (const each of latest) keys.push(await writePartition(options, each, writer, stagingFolder));
    const { files, fingerprints } = await writer.finish(names.stem);
    await syncFolder(stagingFolder);
    const descriptors = latest.map(({ partition, count }, i): ShardDescriptor => {
      const key = keys[i];
      const own = [...(key === undefined ? [] : [key]), ...(i === 0 ? files : [])];
      return {
        ...{ name: `${names.input}+${partition.partition}`, sink: names.sinkName, format: form },
        ...{ location: names.folder, topic: names.input, partition: partition.partition },
        ...{ firstOffset: partition.startOffset, lastOffset: partition.endOffset - 1, rows: count, deletions: 0 },
        ...{ model, dimension, fingerprints, createdAt: createdMs },
        files: own.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 })),
      };
    });
    return { descriptors, files: [...keys, ...files], rows };
  } finally {
    await format.close();
  }
}

/** Rows to the writer; answers with the file that lists their ids and offsets. */
async function writePartition(
  { codec, names }: StageOptions,
  latest: LatestEmbeddings,
  writer: ShardWriter,
  stagingFolder: string,
): Promise<StagedFile> {
  const file = new StagedFileWriter(stagingFolder);
  try {
    const keys = new JsonWriter((chunk) => {
      file.write(chunk);
    });
    for await (const records of latest.records()) {
      for (const { key, offset } of records) {
        keys.raw('{"id":');
        keys.string(key ?? new Uint8Array(), 0, key?.length ?? 0);
        keys.raw(`,"offset":${offset}}\n`);
      }
      await writer.write(gatherRows(records, 0, records.length, { codec, writer }));
    }
    keys.flush();
    return file.finish(`_${names.stem}.p${latest.partition.partition}${KEYS_SUFFIX}`);
  } catch (error) {
    file.abort();
    throw error;
  }
}
