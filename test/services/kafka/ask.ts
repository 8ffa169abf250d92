import { Kafka, logLevel } from 'kafkajs';

const TIMEOUT_MS = 5000;

/** Rejects unless the brokers answer and know who their controller is. */
export async function askBrokers(brokers: readonly string[]): Promise<void> {
  const kafka = new Kafka({
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    connectionTimeout: TIMEOUT_MS,
    requestTimeout: TIMEOUT_MS,
    retry: { retries: 0 },
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    const { controller } = await admin.describeCluster();
    if (controller === null) throw new Error(`${brokers.join()}: no controller yet`);
  } finally {
    await admin.disconnect();
  }
}
