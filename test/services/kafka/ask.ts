import { Kafka, type KafkaConfig, logLevel } from 'kafkajs';

const TIMEOUT_MS = 5000;

/** Rejects unless the brokers answer and know who their controller is. */
export async function askBrokers(connection: Pick<KafkaConfig, 'brokers' | 'ssl' | 'sasl'>): Promise<void> {
  const admin = new Kafka({
    ...connection,
    logLevel: logLevel.NOTHING,
    connectionTimeout: TIMEOUT_MS,
    requestTimeout: TIMEOUT_MS,
    retry: { retries: 0 },
  }).admin();
  try {
    await admin.connect();
    const { controller } = await admin.describeCluster();
    if (controller === null) throw new Error('There is no controller yet');
  } finally {
    await admin.disconnect();
  }
}
