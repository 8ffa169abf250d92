import { describeCommand } from '../command.ts';
import { defineFlags } from '../flags.ts';
import { metricsFlags } from './metrics.ts';
import { partitionFlags } from './partitions.ts';
import { count, countOrNone, delimiter, oneOrMore, plainName } from './schemas.ts';

export const produceFlags = defineFlags({
  source: {
    type: 'list',
    schema: oneOrMore,
    placeholder: 'FILE',
    required: true,
    description:
      'Files, folders, globs and URLs, of any kind that is known: CSV, JSON lines, PDF, images; or a database: ' +
      'postgres://user@host/database, or env:NAME where a variable holds that. Repeat it or use commas (write \\, for a ' +
      'comma in a name)',
  },
  table: { type: 'string', description: 'Table or view of the database' },
  query: { type: 'string', placeholder: 'SQL', description: 'The same for the rows of a query' },
  name: {
    type: 'string',
    schema: plainName,
    description: 'Name of the source, under which its state is kept; with one source only',
    defaultText: 'the file name without its extension',
  },
  preset: {
    type: 'string',
    description: 'Columns and text of a known file, e.g. met-objects',
    defaultText: 'detected',
  },
  id: { type: 'string', placeholder: 'COLUMN', description: 'Column that identifies a row', defaultText: 'detected' },
  text: {
    type: 'string',
    placeholder: 'TEMPLATE',
    description: "What is embedded, with columns in braces: '{Title}. {Medium}'",
    defaultText: 'composed of the columns that read like text',
  },
  metadata: {
    type: 'list',
    placeholder: 'COLUMN',
    description: 'Columns to keep beside the vectors',
    defaultText: 'all',
  },
  delimiter: {
    type: 'string',
    placeholder: 'CHAR',
    schema: delimiter,
    description: 'Character between fields, or tab, comma, semicolon, pipe',
    defaultText: 'detected',
  },
  encoding: { type: 'string', description: 'utf-8, utf-16le, utf-16be or windows-1252', defaultText: 'detected' },
  where: {
    type: 'list',
    commas: false,
    placeholder: 'COLUMN=VALUE',
    description: 'Only rows with this value in this column; repeated flags must all hold',
  },
  split: {
    type: 'string',
    choices: ['page', 'recursive', 'token'],
    description: 'How documents (PDF) are cut: a record a page, or chunks of characters or tokens',
    defaultText: 'recursive',
  },
  chunkSize: {
    type: 'number',
    schema: count,
    description: 'Characters of a chunk, or tokens with --split=token',
    defaultText: '500, with token 254',
  },
  chunkOverlap: {
    type: 'number',
    schema: countOrNone,
    description: 'How much of a chunk begins the next one as well',
    defaultText: 'a tenth, up to 50',
  },
  image: {
    type: 'string',
    placeholder: 'TEMPLATE',
    description: "File of a row's image, below --images-dir: a column, or a template such as '{Object ID}.jpg'",
  },
  imagesDir: { type: 'string', placeholder: 'FOLDER', description: 'Where the files of --image are' },
  imageUrl: {
    type: 'string',
    placeholder: 'TEMPLATE',
    description: "URL of a row's image: a column, or a template",
  },
  maxInlineBytes: {
    type: 'bytes',
    description: 'Most bytes of an image in a record; a larger one is a dead letter, or scaled down',
    defaultText: '1MB',
  },
  imageMaxSide: {
    type: 'number',
    schema: count,
    placeholder: 'PIXELS',
    description: 'Scale images of more than --max-inline-bytes down to this, as JPEG',
  },
  allowPrivateHosts: {
    type: 'boolean',
    description: 'Fetch URLs also from this machine and its network, not from the internet alone',
  },
  requestsPerHost: {
    type: 'number',
    schema: count,
    description: 'Images fetched from one host at a time',
    defaultText: '4',
  },
  limit: { type: 'number', schema: count, description: 'Publish at most this many new or changed rows' },
  retryFailed: {
    type: 'boolean',
    description: 'Before that, publish those records of the source again that a model could not embed',
  },
  dryRun: { type: 'boolean', description: 'Show the first records and what would become of all; publish nothing' },
  prune: { type: 'boolean', description: 'Also delete what is no longer in the source' },
  yes: { type: 'boolean', description: 'Prune even when that deletes more than a tenth' },
  ...partitionFlags,
  ...metricsFlags,
});

export const produce = describeCommand({
  name: 'produce',
  summary: 'reads sources and publishes what is new or changed',
  details:
    'Encoding, delimiter, the id column and the text are detected and shown; flags overrule them. Running it again ' +
    'publishes only rows that are new or changed. Rows that cannot be read become dead letters that name file and line.',
  examples: [
    { arguments: '--source=MetObjects.csv', does: 'publishes a CSV file, everything detected' },
    {
      arguments: "--source=objects.csv --id=Number --text='{Title}. {Medium}' --where=Public=True",
      does: 'chooses the id, the text and the rows',
    },
    {
      arguments: '--source=papers/ --id=paper_id,paragraph_index --text=text --dry-run',
      does: 'shows what the files of a folder would become',
    },
    { arguments: '--source=objects.csv --prune', does: 'also deletes what vanished from the file' },
  ],
  flags: produceFlags,
});
