import type { Service } from '../service.ts';
import { freePorts } from '../ports.ts';
import { logFileOf } from '../server-process.ts';
import { askBrokers } from './ask.ts';
import { kafkaJava, missingForKafka } from './distribution.ts';
import { launchNode } from './node.ts';

/** Kafka without security; its address is its brokers. */
export const kafka: Service<string[]> = {
  name: 'kafka',
  variable: 'KAFKA_BROKERS',
  exported: (brokers) => [`KAFKA_BROKERS=${brokers.join()}`],
  fromEnvironment: (value) => value.split(',').map((broker) => broker.trim()),
  ask: askBrokers,
  ways: [
    {
      name: 'JVM',
      missing: missingForKafka,
      fetch: async () => {
        await kafkaJava();
      },
      async launch(folder, wanted) {
        const [port = 0, controllerPort = 0] = await freePorts(2, wanted);
        const process = await launchNode({
          folder,
          listeners: [{ name: 'PLAINTEXT', port, protocol: 'PLAINTEXT' }],
          controllerPort,
        });
        return { address: [`127.0.0.1:${port}`], process, logFile: logFileOf(folder) };
      },
    },
  ],
};
