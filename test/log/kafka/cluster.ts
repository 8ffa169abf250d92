import { logLevel } from 'kafkajs';
import { KafkaCluster } from '../../../src/log/kafka/kafka-cluster.ts';
import { kafkaLogCreator } from '../../../src/log/kafka/kafka-logging.ts';
import { createSocketFactory } from '../../../src/log/kafka/socket-factory.ts';

/** Connected to a listener without TLS and login; whoever asks for it closes it. */
export async function connectedCluster(brokers: readonly string[], clientId = 'test'): Promise<KafkaCluster> {
  const cluster = new KafkaCluster({
    client: {
      clientId,
      brokers: [...brokers],
      logLevel: logLevel.NOTHING,
      logCreator: kafkaLogCreator(undefined),
      socketFactory: createSocketFactory(false),
    },
    retryForMs: 20_000,
  });
  await cluster.connect();
  return cluster;
}
