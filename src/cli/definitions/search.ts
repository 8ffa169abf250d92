import { describeCommand, definePositionals } from '../command.ts';
import { defineFlags } from '../flags.ts';
import { DEFAULT_MODEL } from '../../models/catalog/default-model.ts';
import { serverFlags } from './hosted.ts';
import { modelSettingFlags } from './model-settings.ts';
import { count } from './schemas.ts';
import { outputFlags } from './sink.ts';
import { STORES, storeConnectionFlags } from './stores/index.ts';
import { pgvectorWritingFlags } from './stores/pgvector.ts';

export const searchFlags = defineFlags({
  model: { type: 'string', default: DEFAULT_MODEL, description: 'Whose embeddings are searched' },
  backend: {
    type: 'string',
    choices: ['log', 'parquet', ...STORES],
    default: 'log',
    description: 'Where they are searched',
  },
  limit: { type: 'number', schema: count, default: 10, description: 'Results to show' },
  image: {
    type: 'string',
    placeholder: 'FILE',
    description: 'What to look for, as an image, where the model takes one',
  },
  hybrid: {
    type: 'boolean',
    description: 'Rank by the words themselves, too; for elasticsearch',
  },
  out: { ...outputFlags.out, description: 'Folder of the Parquet files, or the one that "sink" was given' },
  ...modelSettingFlags,
  ...serverFlags,
  ...storeConnectionFlags,
  pgTable: pgvectorWritingFlags.pgTable,
  pgColumns: pgvectorWritingFlags.pgColumns,
});

export const searchPositionals = definePositionals({
  query: { type: 'string', rest: true, description: 'What to look for, in words' },
});

export const search = describeCommand({
  name: 'search',
  summary: 'finds the records closest in meaning to a query',
  details:
    'Log and Parquet files are searched exactly: every live embedding is compared. Elasticsearch, pgvector and LanceDB are ' +
    'asked for their nearest, which their indexes find nearly always all of. See docs/search.md.',
  examples: [
    { arguments: '"bronze vessel with a dragon"', does: 'the ten closest records' },
    { arguments: '"woven silk" --limit=3 --json', does: 'the three closest, for a program' },
    { arguments: '"woven silk" --backend=parquet --out=/srv/vectors', does: 'the same in files, with no log' },
    { arguments: '"silk 1890" --backend=elasticsearch --hybrid', does: 'by meaning and by the words themselves' },
    { arguments: '--model=clip-vit-base-patch32 --image=vase.jpg', does: 'what looks like an image' },
  ],
  flags: searchFlags,
  runsModels: true,
  positionals: searchPositionals,
});
