import { UsageError } from '../../../errors.ts';
import type { OpenStoreOptions, Store, StoreAdapter, StoreOptions } from '../port.ts';
import { connect } from './connection.ts';
import { Elastic } from './elastic.ts';
import { formatLocation, parseLocation } from './location.ts';
import { readOptions } from './options.ts';
import { checkServer } from './server-version.ts';
import { ElasticStore } from './store.ts';

/**
 * An index of Elasticsearch, 9.x or 8.19, with the documents of records and the vectors of their models.
 * Errors: ELASTIC_UNREACHABLE, ELASTIC_UNAVAILABLE, ELASTIC_BUSY, ELASTIC_DISK_FULL (after being tried again);
 * ELASTIC_CERTIFICATE, ELASTIC_OTHER_SERVER, ELASTIC_VERSION, ELASTIC_NOT_AUTHORIZED, ELASTIC_FORBIDDEN,
 * ELASTIC_NOT_AN_ALIAS, ELASTIC_ALIAS_OF_SEVERAL, ELASTIC_FOREIGN_INDEX, ELASTIC_MAPPING, ELASTIC_INDEX_GONE,
 * ELASTIC_INDEX_BLOCKED, ELASTIC_NO_INDEX, ELASTIC_REFUSED. Of a change: ELASTIC_DOCUMENT_REFUSED,
 * ELASTIC_DOCUMENT_TOO_LARGE, ELASTIC_ID_TOO_LONG.
 */
export const elasticsearch: StoreAdapter = {
  name: 'elasticsearch',
  locate(options: StoreOptions): string {
    const { esUrl, esIndex } = options;
    if (typeof esUrl !== 'string') throw new UsageError('Say where Elasticsearch is: --es-url=https://HOST:9200.');
    return formatLocation(esUrl, typeof esIndex === 'string' ? esIndex : 'embeddings');
  },
  async open({ location, environment, options, signal, ...rest }: OpenStoreOptions): Promise<Store> {
    const { node, alias } = parseLocation(location);
    const read = readOptions(options);
    const connection = await connect(node, { environment, tlsCa: read.tlsCa });
    const { retryForMs } = read;
    const elastic = new Elastic(node, connection, { retryForMs, stop: signal, onWarning: rest.onWarning });
    try {
      const { hidesVectors } = await checkServer(elastic);
      return new ElasticStore({ ...rest, elastic, alias, hidesVectors, options: read });
    } catch (error) {
      await elastic.close();
      throw error;
    }
  },
};
