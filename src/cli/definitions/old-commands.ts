import { describeCommand } from '../command.ts';
import { defineFlags, omitFlags } from '../flags.ts';
import type { OldFlags } from '../old-flags.ts';
import { embedFlags } from './embed.ts';
import { count } from './schemas.ts';
import { sinkFlags } from './sink.ts';

/** Commands as they were called before. What each is now stands in docs/old-commands.md. */

const { source, out, workers, shardRows } = embedFlags;
const common = omitFlags(embedFlags, ['source', 'out', 'workers', 'sink', 'shardRows', 'snapshot']);

export const generateToFileFlags = defineFlags({
  source: {
    type: source.type,
    placeholder: source.placeholder,
    default: ['examples/catalogue.csv'],
    description: source.description,
  },
  out,
  workers,
  ...common,
  batchSize: {
    type: 'number',
    schema: count,
    default: shardRows.default,
    description: 'Embeddings in one batch file',
  },
  resume: { type: 'boolean', description: 'Go on where it was, which it does anyway, and try again what failed' },
});

export const generateToFile = describeCommand({
  name: 'generate-embeddings-to-file',
  summary: 'old name: embeds into data/embeddings/<model>/batch_001.jsonl …',
  details:
    'The same as "embed --sink=jsonl". Rows that failed are tried again when they or the model change, and by ' +
    '--resume; changed texts are embedded again, batches are never written over. See docs/old-commands.md.',
  examples: [
    { arguments: '--model=all-MiniLM-L6-v2 --batch-size=100 --limit=1000', does: 'a thousand more, a hundred a file' },
    { arguments: '--source=MetObjects.csv --resume', does: 'goes on with a file' },
  ],
  flags: generateToFileFlags,
  runsModels: true,
  oldFlags: { renamed: {}, lists: [] },
});

export const generate = describeCommand({
  name: 'generate',
  summary: 'old name: embeds some rows with the model that --client names',
  details: 'The same as "embed --sink=jsonl", and --client means --model. See docs/old-commands.md.',
  examples: [{ arguments: '--limit 10 --model hashed-384', does: 'ten more rows' }],
  flags: generateToFileFlags,
  runsModels: true,
  oldFlags: { renamed: { client: 'model' }, lists: [] },
});

export const indexFlags = defineFlags({
  ...omitFlags(sinkFlags, ['model', 'out', 'shardRows', 'snapshot']),
  model: { type: sinkFlags.model.type, description: 'Whose embeddings', defaultText: 'of all models on the log' },
});

export const indexWithEmbeddings = describeCommand({
  name: 'index-with-embeddings',
  summary: 'old name: brings records and embeddings into Elasticsearch',
  details:
    'The same as "sink elasticsearch" for every model on the log. With --force a new index is filled, and takes the ' +
    'place of the present one when it is complete. Batches from elsewhere are brought onto the log by "import".',
  examples: [
    { arguments: '', does: 'adds what is new' },
    { arguments: '--force', does: 'fills a new index' },
  ],
  flags: indexFlags,
  oldFlags: { renamed: {}, lists: [] },
});

export const embedMultiFlags = defineFlags({
  inputFile: { ...source, description: 'JSON lines, or any other source; also --input_file' },
  outputDir: {
    ...out,
    placeholder: 'FOLDER',
    description: 'Where <model>.npy, <model>.jsonl and <model>.metadata.json go',
  },
  maxWorkers: { ...workers, description: 'Sessions of each local model, side by side' },
  batchSize: {
    type: 'number',
    schema: count,
    description: 'Not needed: batches are chosen by length (--batch-tokens)',
  },
  checkpointInterval: { type: 'number', schema: count, description: 'Not needed: every batch is kept at once' },
  ...common,
});

const embedMultiOldFlags: OldFlags = { renamed: { models: 'model' }, lists: ['model', 'input-file'] };

export const embedMulti = describeCommand({
  name: 'embed-multi',
  summary: 'old name: embeds a file with several models, into one .npy each',
  details:
    'The same as "embed --sink=npy-single" on a log of its own for each input. The files hold all rows of the input, ' +
    'however often it was stopped. --models a b c means --model=a,b,c. See docs/old-commands.md.',
  examples: [
    {
      arguments: '--input-file papers.jsonl --output-dir vectors --model=all-MiniLM-L6-v2,hashed-384',
      does: 'two models; --input_file, --output_dir and --models mean the same',
    },
  ],
  flags: embedMultiFlags,
  runsModels: true,
  oldFlags: embedMultiOldFlags,
});
