import { execFile, type ExecFileException } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { freePorts } from '../ports.ts';
import { asOrdinaryUser } from '../ordinary-user.ts';
import { type Certificates, makeCertificates, missingForCertificates } from '../secured/certificates.ts';
import { logFileOf } from '../server-process.ts';
import type { Service, Way } from '../service.ts';
import { elasticsearchHome, missingForElasticsearch } from './distribution.ts';
import { launchNode, type Tool, toolOf } from './node.ts';

/** Elasticsearch with TLS that knows its users. */
export interface SecuredElasticsearch {
  readonly url: string;
  /** May do everything. */
  readonly user: { readonly username: string; readonly password: string };
  /** May read indices, and do nothing else. */
  readonly reader: { readonly username: string; readonly password: string };
  readonly certificates: Certificates;
}

const USER = { username: 'elastic', password: 'elastic-secret-4b1d' };
const READER = { username: 'reader', password: 'reader-secret-9c2e' };
/** Of `READER.password`, as `elasticsearch-users` makes it. */
const READER_HASH = '$2a$10$iTrClk20g8h1Xkuk5kWQQeAa0.NWrY301V09O3w/PNtVncO5ovfqO';
const ROLES =
  "only_reads:\n  cluster: ['monitor']\n  indices: [{ names: ['*'], privileges: ['read', 'view_index_metadata'] }]\n";
const ASK_TIMEOUT_MS = 5000;

export const securedInJvm: Way<SecuredElasticsearch> = {
  name: 'JVM',
  keepsData: true,
  missing: () => missingForElasticsearch() ?? missingForCertificates(),
  fetch: async () => {
    await elasticsearchHome();
  },
  async launch(folder, wanted) {
    const ports = await freePorts(2, wanted);
    const [port = 0, transportPort = 0] = ports;
    const tool = await toolOf(folder);
    // It reads certificates from its own folder alone.
    const certificates = await makeCertificates(join(folder, 'config', 'certificates'));
    if (!existsSync(join(folder, 'config', 'elasticsearch.keystore'))) {
      await keystore(tool, ['create'], '');
      await keystore(tool, ['add', '-x', 'bootstrap.password'], USER.password);
    }
    writeFileSync(join(folder, 'config', 'users'), `${READER.username}:${READER_HASH}\n`);
    writeFileSync(join(folder, 'config', 'users_roles'), `only_reads:${READER.username}\n`);
    writeFileSync(join(folder, 'config', 'roles.yml'), ROLES);
    const settings = {
      'xpack.security.enabled': true,
      'xpack.security.http.ssl.enabled': true,
      'xpack.security.http.ssl.key': 'certificates/broker.key',
      'xpack.security.http.ssl.certificate': 'certificates/broker.pem',
    };
    const process = await launchNode({ folder, port, transportPort, settings });
    const address = { url: `https://127.0.0.1:${port}`, user: USER, reader: READER, certificates };
    return { address, ports, process, logFile: logFileOf(folder) };
  },
};

function keystore({ command, script, env }: Tool, args: readonly string[], input: string): Promise<void> {
  const tool = asOrdinaryUser({ command, args: [script('elasticsearch-keystore'), ...args] });
  return new Promise((resolve, reject) => {
    const done = (error: ExecFileException | null): void => {
      if (error === null) resolve();
      else reject(new Error(`elasticsearch-keystore ${args.join(' ')} failed`, { cause: error }));
    };
    execFile(tool.command, tool.args, { env: { ...process.env, ...env } }, done).stdin?.end(input);
  });
}

/** Only ours: nothing in the environment says all that a test needs. */
export const securedElasticsearch: Service<SecuredElasticsearch> = {
  name: 'secured-elasticsearch',
  ways: [securedInJvm],
  usualPorts: [],
  exported: ({ url }) => `ELASTICSEARCH_URL=${url}`,
  fromEnvironment: () => {
    throw new Error('A secured Elasticsearch is not taken from the environment');
  },
  ask: ({ url, user, certificates }) =>
    new Promise((resolve, reject) => {
      const health = `${url}/_cluster/health?wait_for_status=yellow&timeout=1s`;
      const auth = `${user.username}:${user.password}`;
      const options = { auth, ca: readFileSync(certificates.caFile), timeout: ASK_TIMEOUT_MS };
      const call = request(health, options, ({ statusCode = 0 }) => {
        call.destroy();
        if (statusCode === 200) resolve();
        else reject(new Error(`${url}: HTTP ${statusCode}`));
      });
      call.on('error', reject).on('timeout', () => call.destroy(new Error('timed out')));
      call.end();
    }),
};
