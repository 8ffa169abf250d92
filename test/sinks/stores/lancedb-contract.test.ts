import { describeOutputContract } from '../../contracts/store.ts';
import { describeWithLanceDb } from './lancedb/installed.ts';
import { openPlain, rowsOf, type PlainTable } from './lancedb/plain-table.ts';

describeWithLanceDb('the sink lancedb', () => {
  describeOutputContract({
    name: 'lancedb',
    isStore: true,
    create(folder) {
      const table = async (model: string): Promise<PlainTable> => {
        const found = await openPlain(folder, model);
        if (found === undefined) throw new Error(`There is no table ${model}`);
        return found;
      };
      const flags = [`--lancedb-uri=${folder}`];
      return Promise.resolve({
        connectionFlags: flags,
        flags: () => flags,
        mayReviveDeleted: true,
        async contents(model) {
          const rows = await rowsOf(folder, model);
          if (new Set(rows.map(({ id }) => id)).size !== rows.length) throw new Error('An id is there twice');
          return new Map(rows.map(({ id, vector }) => [id, [...vector]]));
        },
        damage: {
          async remove(model, id) {
            await (await table(model)).delete(`id = '${id}'`);
          },
          async age(model, id) {
            const valuesSql = { created_at: "arrow_cast(1, 'Timestamp(Millisecond, None)')" };
            await (await table(model)).update({ where: `id = '${id}'`, valuesSql });
          },
          async add(model, id) {
            const [row] = await rowsOf(folder, model);
            if (row === undefined) throw new Error('There is no row to copy');
            const { metadata, fingerprint, created_at, log_offset } = row;
            const copy = { metadata, fingerprint, created_at, log_offset, text: 'a stray', vector: [...row.vector] };
            await (await table(model)).add([{ id, ...copy }]);
          },
        },
      });
    },
  });
});
