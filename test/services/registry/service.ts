import { execFile } from 'node:child_process';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { containerWay } from '../containers/way.ts';
import { findJava, noJava } from '../java.ts';
import { type Download, fetchOnce, missingFor } from '../maven.ts';
import { freePorts } from '../ports.ts';
import { logFileOf, spawnServer } from '../server-process.ts';
import type { Service, Way } from '../service.ts';

const run = promisify(execFile);
const VERSION = '3.3.3';
const JAVA_MINIMUM = 21;
const API = '/apis/ccompat/v7';
const ASK_TIMEOUT_MS = 5000;

const DOWNLOAD: Download = {
  name: `apicurio-registry-${VERSION}`,
  args: (folder) => [
    'dependency:copy',
    `-Dartifact=io.apicurio:apicurio-registry-app:${VERSION}:tar.gz:all`,
    `-DoutputDirectory=${folder}`,
  ],
  async finish(folder) {
    for (const archive of await readdir(folder)) {
      await run('tar', ['-xzf', join(folder, archive), '-C', folder]);
      await rm(join(folder, archive));
    }
  },
};

export const registryInJvm: Way<string> = {
  name: 'JVM',
  keepsData: true,
  missing: () => (findJava(JAVA_MINIMUM) === undefined ? noJava(JAVA_MINIMUM) : missingFor(DOWNLOAD)),
  fetch: async () => {
    await fetchOnce(DOWNLOAD);
  },
  async launch(folder, wanted) {
    const command = findJava(JAVA_MINIMUM);
    if (command === undefined) throw new Error(noJava(JAVA_MINIMUM));
    const distribution = await fetchOnce(DOWNLOAD);
    const ports = await freePorts(2, wanted);
    const [port = 0, managementPort = 0] = ports;
    const settings = {
      'quarkus.http.host': '127.0.0.1',
      'quarkus.http.port': port,
      // A second listener.
      'quarkus.management.host': '127.0.0.1',
      'quarkus.management.port': managementPort,
      'quarkus.http.access-log.enabled': false,
      // The default is in memory: a registry that comes back must know the ids that it gave, at once also after a kill.
      'apicurio.datasource.url': `jdbc:h2:file:${join(folder, 'registry')};WRITE_DELAY=0`,
    };
    const args = [
      '-Xmx256m',
      '-XX:+UseSerialGC',
      ...Object.entries(settings).map(([key, value]) => `-D${key}=${value}`),
      '-jar',
      join(distribution, 'quarkus-run.jar'),
    ];
    return {
      address: `http://127.0.0.1:${port}${API}`,
      ports,
      process: spawnServer({ folder, command, args }),
      logFile: logFileOf(folder),
    };
  },
};

const registryInContainer: Way<string> = containerWay(1, ([port = 0]) => ({
  image: `apicurio/apicurio-registry:${VERSION}`,
  env: {},
  ports: { 8080: port },
  address: `http://127.0.0.1:${port}${API}`,
}));

/** Apicurio; its address is its Confluent-compatible API. Compatibility is NONE until a subject's is set. */
export const registry: Service<string> = {
  name: 'registry',
  variable: 'SCHEMA_REGISTRY_URL',
  usualPorts: [8081],
  ways: [registryInContainer, registryInJvm],
  exported: (url) => `SCHEMA_REGISTRY_URL=${url}`,
  fromEnvironment: (value) => value,
  async ask(url) {
    const response = await fetch(`${url}/subjects`, { signal: AbortSignal.timeout(ASK_TIMEOUT_MS) });
    // A registry that wants credentials is there too.
    if (!response.ok && response.status !== 401) throw new Error(`${url}/subjects: HTTP ${response.status}`);
  },
};
