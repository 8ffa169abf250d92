import { freePorts } from '../ports.ts';
import { logFileOf } from '../server-process.ts';
import type { Way } from '../service.ts';
import { kafkaJava, missingForKafka } from './distribution.ts';
import { launchNode } from './node.ts';
import type { Properties } from './properties.ts';

/** One node without security. */
export function kafkaInJvm(overrides: Properties = {}): Way<string[]> {
  return {
    name: 'JVM',
    keepsData: true,
    missing: missingForKafka,
    fetch: async () => {
      await kafkaJava();
    },
    async launch(folder, wanted) {
      const ports = await freePorts(2, wanted);
      const [port = 0, controllerPort = 0] = ports;
      const listener = { name: 'PLAINTEXT', port, protocol: 'PLAINTEXT' } as const;
      const process = await launchNode({ folder, listeners: [listener], controllerPort, overrides });
      return { address: [`127.0.0.1:${port}`], ports, process, logFile: logFileOf(folder) };
    },
  };
}
