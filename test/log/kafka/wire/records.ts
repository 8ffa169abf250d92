import fc from 'fast-check';
import type { LogRecord } from '../../../../src/log/port.ts';
import type { BatchRecord } from '../../../../src/log/kafka/wire/record-batch-writer.ts';
import type { KafkajsMessage } from './kafkajs-batches.ts';

const bytes = fc.uint8Array({ maxLength: 90 });

/** Keys of four zero bytes look like an abort marker's. */
const key = fc.option(fc.oneof(bytes, fc.constant(new Uint8Array(4))));

export const batchRecord: fc.Arbitrary<BatchRecord & { readonly timestampMs: number }> = fc.record(
  {
    key,
    value: fc.option(bytes),
    headers: fc.dictionary(
      // kafkajs, the oracle, takes what every object inherits for a first value of these names.
      fc.string({ unit: 'binary' }).filter((name) => !(name in Object.prototype)),
      bytes,
      { maxKeys: 3 },
    ),
    timestampMs: fc.oneof(
      fc.integer({ min: 1_700_000_000_000, max: 1_700_000_100_000 }),
      fc.integer({ min: -1, max: 2 ** 52 }),
    ),
  },
  { requiredKeys: ['key', 'value', 'timestampMs'] },
);

/** A record without its offset, in a form in which two readers' records are equal. */
export function plain({ key: k, value, headers = {}, timestampMs }: BatchRecord | LogRecord): object {
  return {
    key: k && Buffer.from(k).toString('hex'),
    value: value && Buffer.from(value).toString('hex'),
    headers: Object.entries(headers).map(([name, each]) => [name, Buffer.from(each).toString('hex')]),
    timestampMs,
  };
}

/** What kafkajs decoded, as a record. */
export function ofKafkajs({ offset, timestamp, ...message }: KafkajsMessage): LogRecord {
  const { key: k, value, headers } = message;
  return { offset: Number(offset), timestampMs: Number(timestamp), key: k, value, headers };
}
