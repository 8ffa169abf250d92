import { definePositionals, describeCommand } from '../command.ts';
import { defineFlags } from '../flags.ts';
import { metricsFlags } from './metrics.ts';
import { partitionFlags } from './partitions.ts';
import { produceFlags } from './produce.ts';
import { count, plainName } from './schemas.ts';

export const importFlags = defineFlags({
  model: {
    type: 'string',
    required: true,
    description: 'Whose embeddings they are; need not be a model that is known here',
  },
  dimension: {
    type: 'number',
    schema: count,
    description: 'Numbers of a vector',
    defaultText: "the model's, or that of the first row",
  },
  knownAs: { type: 'list', placeholder: 'NAME', description: 'What else the files may call the model' },
  name: {
    type: 'string',
    schema: plainName,
    description: 'Name of the import, under which its state is kept',
    defaultText: 'the model and the name of the file or folder',
  },
  id: {
    type: 'string',
    placeholder: 'FIELD,FIELD',
    description: 'What identifies a row; several become first#second',
    defaultText: 'object_id, id, _id, record_id, uuid, or paper_id,paragraph_index',
  },
  text: {
    type: 'string',
    placeholder: 'FIELD',
    description: 'The text that was embedded, where the files have it',
    defaultText: 'text, document or content',
  },
  trustModel: {
    type: 'boolean',
    description:
      'The vectors are those that the model yields now, of the text in the file or on the log: "process" skips them',
  },
  limit: { type: 'number', schema: count, description: 'Import at most this many new or changed rows' },
  prune: { type: 'boolean', description: 'Also delete what is no longer in the files' },
  yes: produceFlags.yes,
  ...partitionFlags,
  ...metricsFlags,
});

export const importPositionals = definePositionals({
  files: { type: 'list', required: true, description: 'Files, folders and tars (write \\, for a comma in a name)' },
});

export const importCommand = describeCommand({
  name: 'import',
  summary: 'puts embeddings that were made elsewhere on the log',
  details:
    'Reads JSON Lines ({object_id, embedding, …} or {id, vector, metadata}), JSON v1.0, the JSON of vector stores, Parquet ' +
    '(lists of floats; also the files of "sink"), npy with the file that says what its rows are, and folders and tars of ' +
    'them, also as .gz and .zst. Model and dimension are checked; a row that is wrong, or holds NaN or infinity, becomes a ' +
    'dead letter. Running it again changes nothing. Outputs, search and reconcile then work on them as on any other.',
  examples: [
    { arguments: 'batches/ --model=all-MiniLM-L6-v2', does: 'imports all files of a folder' },
    {
      arguments: 'embeddings.tar.gz --model=clip-large --dimension=768',
      does: 'imports an archive, of a model not known here',
    },
    {
      arguments: 'papers.npy --model=bge-small --id=paper_id,paragraph_index',
      does: 'imports a matrix with papers.jsonl beside it',
    },
    {
      arguments: 'data/parquet --model=all-MiniLM-L6-v2 --trust-model',
      does: 'brings embeddings from another log, to be kept',
    },
  ],
  flags: importFlags,
  positionals: importPositionals,
});
