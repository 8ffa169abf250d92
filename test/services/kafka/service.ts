import type { Service } from '../service.ts';
import { askBrokers } from './ask.ts';
import { kafkaInContainer } from './container.ts';
import { kafkaInJvm } from './jvm.ts';

/** Kafka without security; its address is its brokers. */
export const kafka: Service<string[]> = {
  name: 'kafka',
  variable: 'KAFKA_BROKERS',
  usualPorts: [9092],
  ways: [kafkaInContainer, kafkaInJvm()],
  exported: (brokers) => `KAFKA_BROKERS=${brokers.join()}`,
  fromEnvironment: (value) => value.split(',').map((broker) => broker.trim()),
  ask: (brokers) => askBrokers({ brokers }),
};
