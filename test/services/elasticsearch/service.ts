import { containerWay } from '../containers/way.ts';
import { freePorts } from '../ports.ts';
import { logFileOf } from '../server-process.ts';
import type { Service, Way } from '../service.ts';
import { elasticsearchHome, missingForElasticsearch, VERSION } from './distribution.ts';
import { launchNode, type NodeOptions } from './node.ts';

const ASK_TIMEOUT_MS = 5000;
const NO_SECURITY = { 'xpack.security.enabled': false };

export function elasticsearchInJvm(options: Pick<Partial<NodeOptions>, 'settings' | 'heapMb'> = {}): Way<string> {
  return {
    name: 'JVM',
    keepsData: true,
    missing: missingForElasticsearch,
    fetch: async () => {
      await elasticsearchHome();
    },
    async launch(folder, wanted) {
      const ports = await freePorts(2, wanted);
      const [port = 0, transportPort = 0] = ports;
      const settings = { ...NO_SECURITY, ...options.settings };
      const process = await launchNode({ ...options, folder, port, transportPort, settings });
      return { address: `http://127.0.0.1:${port}`, ports, process, logFile: logFileOf(folder) };
    },
  };
}

const elasticsearchInContainer: Way<string> = containerWay(1, ([port = 0]) => ({
  image: `docker.elastic.co/elasticsearch/elasticsearch:${VERSION}`,
  env: { 'discovery.type': 'single-node', 'xpack.security.enabled': 'false', ES_JAVA_OPTS: '-Xms640m -Xmx640m' },
  ports: { 9200: port },
  address: `http://127.0.0.1:${port}`,
}));

/** Elasticsearch without security; its address is its URL. */
export const elasticsearch: Service<string> = {
  name: 'elasticsearch',
  variable: 'ELASTICSEARCH_URL',
  usualPorts: [9200],
  ways: [elasticsearchInContainer, elasticsearchInJvm()],
  exported: (url) => `ELASTICSEARCH_URL=${url}`,
  fromEnvironment: (value) => value.replace(/\/+$/, ''),
  async ask(url) {
    const signal = AbortSignal.timeout(ASK_TIMEOUT_MS);
    const response = await fetch(`${url}/_cluster/health?wait_for_status=yellow&timeout=1s`, { signal });
    if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
  },
};
