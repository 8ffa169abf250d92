import { describeOutputContract } from '../../contracts/store.ts';
import { PostgresProxy } from '../../postgres/proxy.ts';
import { describeWithService } from '../../services/index.ts';
import { TestDatabase } from '../../services/postgres/test-database.ts';

const TABLES: Readonly<Record<string, string>> = { 'hashed-384': 'shop.products', 'tiny-bert': 'tiny' };
const tableOf = (model: string): string => TABLES[model] ?? model;

describeWithService('postgres', 'the sink pgvector', () => {
  describeOutputContract({
    name: 'pgvector',
    isStore: true,
    refused: { id: 'i'.repeat(21), code: 'PGVECTOR_ID' },
    async create() {
      const database = await TestDatabase.create();
      // One table is there, under names of its own; the other is made.
      await database.sql(`
        create extension vector;
        create schema shop;
        create table shop.products (
          sku varchar(20), vec vector(384), model text, born timestamptz, touched timestamptz, note text default 'x',
          primary key (sku, model))`);
      const proxy = await PostgresProxy.start(database.url);
      const [sku, vec, model, born] = ['sku', 'vec', 'model', 'born'];
      const names = { id: sku, embedding: vec, model, created: born, updated: 'touched' };
      const columns = Object.entries(names).map(([role, name]) => `${role}=${name}`);
      const connectionFlags = [`--postgres-url=${proxy.url}`];
      return {
        connectionFlags,
        flags: (name) => [
          ...connectionFlags,
          `--pg-table=${tableOf(name)}`,
          ...(tableOf(name) === 'tiny' ? [] : [`--pg-columns=${columns.join(',')}`]),
        ],
        async contents(name) {
          const [id, vector, column] =
            tableOf(name) === 'tiny' ? ['asset_id', 'embedding', 'model_version'] : [sku, vec, model];
          const text = `select ${id} as id, ${vector}::real[] as vector from ${tableOf(name)} where ${column} = $1`;
          const { rows } = await database.sql<{ id: string; vector: number[] }>(text, [name]);
          return new Map(rows.map((row) => [row.id, row.vector]));
        },
        damage: {
          async remove(name, id) {
            await database.sql('delete from shop.products where model = $1 and sku = $2', [name, id]);
          },
          async age(name, id) {
            await database.sql('update shop.products set born = to_timestamp(1) where model = $1 and sku = $2', [
              name,
              id,
            ]);
          },
          async add(name, id) {
            await database.sql(
              `insert into shop.products select $2, vec, model, born, now() from shop.products where model = $1 limit 1`,
              [name, id],
            );
          },
        },
        away: () => proxy.away(),
        async dispose() {
          await proxy.close();
          await database.drop();
        },
      };
    },
  });
});
