import { expect, it } from 'vitest';
import { documentRow, HASHED, newPlace, numbers } from '../../cli/pipeline/runner.ts';
import { describeWithService } from '../../services/index.ts';
import { TestDatabase } from '../../services/postgres/test-database.ts';

describeWithService('postgres', 'a table that was filled from another log', () => {
  it('is refused, since its offsets say nothing of this one, and filled anew with --force', async () => {
    const database = await TestDatabase.create();
    try {
      await database.sql('create extension vector');
      const sink = ['sink', 'pgvector', HASHED, `--postgres-url=${database.url}`];
      const fill = async (rows: number[]): Promise<ReturnType<typeof newPlace>> => {
        const place = newPlace();
        place.writeRows(
          'documents.csv',
          rows.map((i) => documentRow(i)),
        );
        await place.done('produce', '--source=documents.csv');
        await place.done('process', HASHED);
        return place;
      };
      const first = await fill(numbers(0, 20));
      await first.done(...sink);
      const second = await fill(numbers(15, 25));
      const refused = await second.run(...sink);
      expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('filled from another log') as string });
      await second.done(...sink, '--force');
      const { rows } = await database.sql<{ id: string }>('select asset_id as id from product_embeddings');
      expect(rows.map(({ id }) => id).sort()).toEqual(numbers(15, 25).map((i) => `d${i}`));
      expect((await second.run('reconcile', `--postgres-url=${database.url}`)).code).toBe(0);
    } finally {
      await database.drop();
    }
  }, 120_000);
});
