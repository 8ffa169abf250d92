import { modelField } from '../../../src/sinks/stores/elasticsearch/fields.ts';
import { describeOutputContract } from '../../contracts/store.ts';
import { HttpProxy } from '../../fakes/http-proxy.ts';
import { describeWithService, elasticsearchUrl } from '../../services/index.ts';
import { newAlias, PlainClient } from './elasticsearch/server.ts';

describeWithService('elasticsearch', 'the sink elasticsearch', () => {
  describeOutputContract({
    name: 'elasticsearch',
    isStore: true,
    refused: { id: 'i'.repeat(513), code: 'ELASTIC_ID_TOO_LONG', ofRecords: true },
    async create() {
      const server = new PlainClient(await elasticsearchUrl());
      const proxy = await HttpProxy.start(server.url);
      const alias = newAlias();
      const connectionFlags = [`--es-url=${proxy.url}`, `--es-index=${alias}`];
      return {
        connectionFlags,
        flags: () => connectionFlags,
        contents: (model) => server.vectors(alias, model),
        damage: {
          async remove(_model, id) {
            await server.ask('DELETE', `/${alias}/_doc/${id}`);
          },
          async age(model, id) {
            const doc = { embedded: { [modelField(model)]: { createdAt: 1 } } };
            await server.ask('POST', `/${alias}/_update/${id}`, { doc });
          },
          async add(model, id) {
            const [document] = (await server.documents(alias)).values();
            const { embeddings, embedded } = document ?? {};
            if (embedded?.[modelField(model)] === undefined) throw new Error(`The first document has no ${model}`);
            await server.ask('PUT', `/${alias}/_doc/${id}`, { embeddings, embedded });
          },
        },
        away: () => proxy.away(),
        async dispose() {
          await proxy.close();
          await server.removeAll(alias);
        },
      };
    },
  });
});
