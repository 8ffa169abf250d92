import { defineFlags } from '../../flags.ts';

const group = 'LanceDB';

export const lancedbConnectionFlags = defineFlags({
  lancedbUri: {
    type: 'string',
    group,
    placeholder: 'FOLDER',
    default: 'data/lancedb',
    description: 'LanceDB database, with a table for each model: a folder, or s3://bucket/prefix',
  },
});

export const lancedbWritingFlags = defineFlags({
  lancedbIndex: {
    type: 'string',
    group,
    choices: ['none', 'hnsw', 'ivf-pq'],
    default: 'none',
    description: 'Index to build once all is in, where the table has none: without, every vector is compared',
  },
});
