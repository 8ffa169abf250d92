import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { spawnServer, type ServerProcess } from '../server-process.ts';
import { kafkaJava } from './distribution.ts';
import { type Listener, nodeProperties, type Properties, propertiesText } from './properties.ts';

const run = promisify(execFile);
const CLUSTER_ID = 'embedstream-services-1';

export interface NodePlace {
  readonly folder: string;
  readonly listeners: readonly [Listener, ...Listener[]];
  readonly controllerPort: number;
  readonly overrides?: Properties;
  /** Given to `format`, such as `--add-scram` and its value. */
  readonly formatArgs?: readonly string[];
  /** Given to the broker's JVM. */
  readonly javaArgs?: readonly string[];
}

/** Spawns a broker on `folder`, formatted if that was not done before. It is not ready yet. */
export async function launchNode(place: NodePlace): Promise<ServerProcess> {
  const { folder, listeners, controllerPort, overrides = {} } = place;
  const java = await kafkaJava();
  const dataFolder = join(folder, 'data');
  const file = join(folder, 'server.properties');
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, propertiesText(nodeProperties({ listeners, controllerPort, dataFolder, overrides })), {
    mode: 0o600,
  });
  if (!existsSync(join(dataFolder, 'meta.properties'))) {
    const format = ['kafka.tools.StorageTool', 'format', '--cluster-id', CLUSTER_ID, '--config', file];
    await run(java.command, [
      '-Xmx128m',
      '-XX:TieredStopAtLevel=1',
      ...java.args,
      ...format,
      ...(place.formatArgs ?? []),
    ]);
  }
  const args = ['-Xms128m', '-Xmx512m', ...java.args, ...(place.javaArgs ?? []), 'kafka.Kafka', file];
  return spawnServer({ folder, command: java.command, args });
}
