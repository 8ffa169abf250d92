import { describeCommand, definePositionals } from '../command.ts';
import { defineFlags } from '../flags.ts';
import { DEFAULT_MODEL } from '../../models/catalog/default-model.ts';
import { metricsFlags } from './metrics.ts';
import { replayFrom } from './replay-from.ts';
import { partitionFlags } from './partitions.ts';
import { count, oneOrMore, plainName } from './schemas.ts';
import { STORES, storeConnectionFlags, storeWritingFlags } from './stores/index.ts';

/** Files that are added to. */
export const FORMATS = ['parquet', 'npy', 'jsonl'] as const;
/** Files that are written as a whole. */
export const SINGLE_FILES = ['json', 'vector-store', 'npy-single'] as const;
/** All that `sink` writes to. */
export const OUTPUTS = [...FORMATS, ...SINGLE_FILES, ...STORES] as const;

export const outputFlags = defineFlags({
  out: {
    type: 'string',
    placeholder: 'FOLDER',
    default: 'data',
    description: 'Folder for the files, or s3://bucket/prefix',
  },
  shardRows: { type: 'number', schema: count, default: 50_000, description: 'Embeddings in one file' },
  dtype: { type: 'string', choices: ['fp32', 'fp16'], default: 'fp32', description: 'Numbers of the npy files' },
  compress: {
    type: 'string',
    choices: ['none', 'gzip', 'zstd'],
    default: 'none',
    description: 'Compression of the jsonl batches',
  },
  vectorStoreFormat: {
    type: 'string',
    choices: ['json', 'jsonl'],
    default: 'json',
    description: 'Whether vector-store writes one document or lines',
  },
  snapshot: {
    type: 'boolean',
    description: 'One clean set instead of an append log: the latest live embedding of each id, in a new folder',
  },
});

/** Of all stores together. */
export const storeFlags = defineFlags({ ...storeConnectionFlags, ...storeWritingFlags });

export const sinkFlags = defineFlags({
  model: { type: 'list', schema: oneOrMore, default: [DEFAULT_MODEL], description: 'Whose embeddings' },
  ...outputFlags,
  force: {
    type: 'boolean',
    description:
      'Fill a store or write a whole file anew from the log, beside what it holds (which serves until then) or in its place',
  },
  sinkName: {
    type: 'string',
    schema: plainName,
    description: 'Name under which the position is kept; another name writes everything again',
    defaultText: 'made of format, model and folder',
  },
  ...partitionFlags,
  follow: { type: 'boolean', description: 'Keep going when all is written, until Ctrl-C' },
  takeOver: { type: 'boolean', description: 'Take the work from a process that still holds it' },
  ...storeFlags,
  ...metricsFlags,
});

export const replayFlags = defineFlags({
  sink: { type: 'list', choices: OUTPUTS, required: true, description: 'Outputs to write again' },
  model: sinkFlags.model,
  out: outputFlags.out,
  shardRows: outputFlags.shardRows,
  dtype: outputFlags.dtype,
  compress: outputFlags.compress,
  vectorStoreFormat: outputFlags.vectorStoreFormat,
  sinkName: sinkFlags.sinkName,
  from: {
    type: 'string',
    schema: replayFrom,
    default: 'earliest',
    placeholder: 'WHERE',
    description:
      'Write again from here on: earliest; an offset of the embeddings topic (1500; by partition 0:1500,1:900); ' +
      'or a time (2026-11-21, 2026-11-21T08:00:00Z, @MILLISECONDS). Files that end before it stay',
  },
  ...storeFlags,
  ...metricsFlags,
});

export const replay = describeCommand({
  name: 'replay',
  summary: 'rebuilds an output from the log; nothing is embedded',
  details:
    'Removes the files that the sink has written and writes all live and past embeddings again from the log, for ' +
    'an output that was lost or damaged. Files of other sinks stay as they are. With --from, files that end before ' +
    'that place stay, too; whole files are written again, so it may begin a little earlier. A store is filled anew, ' +
    'beside what it holds where it can; with --from, what came since is written to it once more.',
  examples: [
    { arguments: '--sink=parquet', does: 'writes data/parquet/ again' },
    { arguments: '--sink=parquet --from=2026-11-21', does: 'the same for what was embedded on that day and later' },
    { arguments: '--sink=npy --from=0:1500,1:900', does: 'the same from an offset on in each of two partitions' },
  ],
  flags: replayFlags,
});

export const sinkPositionals = definePositionals({
  formats: { type: 'list', choices: OUTPUTS, required: true, description: 'File formats and stores to write to' },
});

export const sink = describeCommand({
  name: 'sink',
  summary: 'writes the embeddings of a model to files and stores',
  details:
    'Files appear whole and are never written twice: what is in the folder is exactly what is committed on the log. ' +
    'A manifest lists them. Running it again adds what is new.',
  examples: [
    { arguments: 'parquet', does: 'writes Parquet files to data/' },
    { arguments: 'parquet,npy --out=/srv/vectors', does: 'writes both formats elsewhere' },
    { arguments: 'jsonl --compress=gzip', does: 'writes data/embeddings/<model>/batch_001.jsonl.gz …' },
    { arguments: 'json,vector-store,npy-single', does: 'writes whole files of the latest embedding of each id' },
    { arguments: 'npy --snapshot --dtype=fp16', does: 'writes one clean set in half precision' },
  ],
  flags: sinkFlags,
  positionals: sinkPositionals,
});
