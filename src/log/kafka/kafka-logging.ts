import type { logCreator } from 'kafkajs';

/** Where kafkajs' lines go: our logger, of which the log layer knows no more than this. */
export interface KafkaLogTarget {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/**
 * The only fields that get through. kafkajs also logs whole responses (`data`), those of SASL included, buffers
 * (`payload`, with KAFKAJS_DEBUG_PROTOCOL_BUFFERS) and whatever a later version may add.
 */
const HARMLESS_FIELDS = new Set([
  'broker',
  'correlationId',
  'size',
  'error',
  'retryCount',
  'retryTime',
  'groupId',
  'memberId',
  'nodeId',
  'topic',
  'partition',
  'ssl',
  'sasl',
]);

/** Lines of each request and its answer: dozens a second, also when nothing happens, among which all others are lost. */
const EVERY_REQUEST = /^(Request|Response) \w+\(key: /;

/** kafkajs' own lines at debug level, whatever their level is there: what of them matters comes back as an error. */
export function kafkaLogCreator(target: KafkaLogTarget | undefined): logCreator {
  return () =>
    ({ namespace, label, log }) => {
      const message = textOf(log.message);
      if (target === undefined || EVERY_REQUEST.test(message)) return;
      const fields: Record<string, unknown> = {};
      for (const [name, value] of Object.entries<unknown>(log)) {
        const isPlain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
        if (HARMLESS_FIELDS.has(name) && isPlain) fields[name] = value;
      }
      target.debug(`kafkajs ${label} [${namespace}] ${message}`, fields);
    };
}

/** kafkajs hands over an Error in places where its types promise text. */
function textOf(message: unknown): string {
  return message instanceof Error ? message.message : String(message);
}
