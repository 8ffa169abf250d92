import { containerWay } from '../containers/way.ts';
import type { Way } from '../service.ts';
import { nodeProperties, type Properties } from './properties.ts';

const IMAGE = 'apache/kafka:4.2.1';
const CONTROLLER_PORT = 9093;

/** The same node in a container. The port is the same inside and outside, since the broker advertises it. */
export const kafkaInContainer: Way<string[]> = containerWay(1, ([port = 0]) => ({
  image: IMAGE,
  ports: { [port]: port },
  env: imageEnvironment({
    ...nodeProperties({
      listeners: [{ name: 'PLAINTEXT', port, protocol: 'PLAINTEXT' }],
      controllerPort: CONTROLLER_PORT,
      dataFolder: '/tmp/kafka-data',
    }),
    listeners: `PLAINTEXT://0.0.0.0:${port},CONTROLLER://127.0.0.1:${CONTROLLER_PORT}`,
  }),
  address: [`127.0.0.1:${port}`],
}));

/** The image makes its properties from the environment: `KAFKA_A_B` becomes `a.b`. */
function imageEnvironment(properties: Properties): Record<string, string> {
  const variable = (key: string): string => `KAFKA_${key.toUpperCase().replaceAll('.', '_')}`;
  return Object.fromEntries(Object.entries(properties).map(([key, value]) => [variable(key), String(value)]));
}
