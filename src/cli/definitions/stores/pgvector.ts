import { defineFlags } from '../../flags.ts';
import { count } from '../schemas.ts';

export const pgvectorConnectionFlags = defineFlags({
  postgresUrl: {
    type: 'string',
    placeholder: 'URL',
    secret: true,
    env: ['POSTGRES_URL'],
    description: 'Postgres with pgvector: postgres://user@host/database; what it leaves out comes from PG… variables',
  },
  pgConnections: {
    type: 'number',
    schema: count,
    description: 'Connections to Postgres at a time',
    defaultText: '4',
  },
});

export const pgvectorWritingFlags = defineFlags({
  pgTable: { type: 'string', placeholder: 'TABLE', description: 'The table', defaultText: 'product_embeddings' },
  pgColumns: {
    type: 'list',
    placeholder: 'ROLE=COLUMN',
    description: 'Columns of the table: for id, embedding, model, created and updated',
    defaultText: 'asset_id, embedding, model_version, created_at, updated_at',
  },
  pgIndex: {
    type: 'string',
    choices: ['hnsw', 'none'],
    description: 'Index to build once all is in, where the column has none',
    defaultText: 'hnsw',
  },
});

export const pgvectorSecrets = [
  ['PGUSER, PGPASSWORD', 'who writes to Postgres, where --postgres-url does not say'],
  ['PGSSLMODE, PGSSLROOTCERT', 'whether and how TLS is used: verify-full checks the certificate'],
] as const satisfies readonly (readonly [names: string, description: string])[];
