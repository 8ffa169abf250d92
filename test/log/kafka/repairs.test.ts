import { createRequire } from 'node:module';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { checkKafkajsVersion } from '../../../src/log/kafka/internals.ts';
import { repairRequestQueue } from '../../../src/log/kafka/repairs.ts';

interface Queue {
  push(request: object): void;
  checkPendingRequests(): void;
  maybeThrottle(milliseconds: number): void;
  destroy(): void;
}
type QueueClass = (new (options: object) => Queue) & Parameters<typeof repairRequestQueue>[0];

/** The class as kafkajs ships it: each call loads it afresh. */
function shippedQueue(): QueueClass {
  const load = createRequire(import.meta.url);
  const path = load.resolve('kafkajs/src/network/requestQueue');
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- how a CommonJS module is loaded afresh
  delete load.cache[path];
  return load(path) as QueueClass;
}

function repairedQueue(): QueueClass {
  const queueClass = shippedQueue();
  repairRequestQueue(queueClass);
  return queueClass;
}

const logger = { debug: () => undefined, warn: () => undefined };

function queueOf(queueClass: QueueClass, maxInFlightRequests: number | null = null): Queue {
  return new queueClass({
    requestTimeout: 1_000,
    enforceRequestTimeout: false,
    maxInFlightRequests,
    clientId: '',
    broker: '',
    logger,
  });
}

describe('the repair of kafkajs’ request queue', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** How often an idle queue is looked at in a second. */
  function looksWhenIdle(queueClass: QueueClass): number {
    const queue = queueOf(queueClass);
    const look = vi.spyOn(queue, 'checkPendingRequests');
    queue.checkPendingRequests();
    vi.advanceTimersByTime(1_000);
    queue.destroy();
    return look.mock.calls.length - 1;
  }

  it('lets an idle queue rest, which as shipped is looked at a thousand times a second', () => {
    expect(looksWhenIdle(repairedQueue())).toBe(0);
    // What the repair is for: without it this test's first line fails.
    expect(looksWhenIdle(shippedQueue())).toBeGreaterThan(500);
  });

  it('still sends what was held back, once the throttling is over', () => {
    const queue = queueOf(repairedQueue());
    const sent: number[] = [];
    const request = (correlationId: number): object => ({
      entry: {
        correlationId,
        apiName: '',
        apiKey: 0,
        apiVersion: 0,
        resolve: () => undefined,
        reject: () => undefined,
      },
      expectResponse: true,
      requestTimeout: null,
      sendRequest: () => sent.push(correlationId),
    });
    queue.maybeThrottle(300);
    queue.push(request(1));
    queue.push(request(2));
    vi.advanceTimersByTime(299);
    expect(sent).toEqual([]);
    vi.advanceTimersByTime(20);
    expect(sent).toEqual([1, 2]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('looks again where requests wait for others to be answered', () => {
    const queueClass = repairedQueue();
    const queue = queueOf(queueClass, 1);
    const look = vi.spyOn(queue, 'checkPendingRequests');
    for (const correlationId of [1, 2])
      queue.push({
        entry: {
          correlationId,
          apiName: '',
          apiKey: 0,
          apiVersion: 0,
          resolve: () => undefined,
          reject: () => undefined,
        },
        expectResponse: true,
        requestTimeout: null,
        sendRequest: () => undefined,
      });
    vi.advanceTimersByTime(100);
    expect(look.mock.calls.length).toBeGreaterThan(5);
    queue.destroy();
  });
});

it('refuses any other version of kafkajs, whose inner modules may differ', () => {
  expect(() => {
    checkKafkajsVersion('2.2.4');
  }).not.toThrow();
  expect(() => {
    checkKafkajsVersion('2.3.0');
  }).toThrow(/kafkajs is 2\.3\.0.*2\.2\.4 only.*npm ci/s);
});
