import kafkajs from 'kafkajs';
import { expect, it } from 'vitest';
import { kafkaLogCreator } from '../../../src/log/kafka/kafka-logging.ts';

function lineOf(log: Record<string, unknown> & { message: unknown }) {
  const lines: [string, unknown][] = [];
  const creator = kafkaLogCreator({ debug: (message, fields) => lines.push([message, fields]) });
  const write = creator(kafkajs.logLevel.DEBUG);
  write({
    namespace: 'Connection',
    level: kafkajs.logLevel.ERROR,
    label: 'ERROR',
    log: { timestamp: 'now', logger: 'kafkajs', ...log } as never,
  });
  return lines;
}

it('passes on what is harmless, and nothing else', () => {
  const secret = { authBytes: Buffer.from('pa55word') };
  const log = {
    message: 'Response',
    broker: 'b:1',
    retryCount: 2,
    data: secret,
    payload: secret,
    stack: 'x',
    error: secret,
  };
  expect(lineOf(log)).toEqual([['kafkajs ERROR [Connection] Response', { broker: 'b:1', retryCount: 2 }]]);
});

it('takes the text of an error that kafkajs hands over as the message', () => {
  expect(lineOf({ message: new Error('why') })).toEqual([['kafkajs ERROR [Connection] why', {}]]);
});
