/**
 * An embedding API in a process of its own, so that its work is nobody else's: answers after 200 ms, takes 100 requests in
 * any second, and none in a storm. Told what to do, and says what it did, by messages.
 */
import { startFakeApi } from '../../test/fakes/embedding-apis/server.ts';

export type Order =
  | { readonly kind: 'begin'; readonly statesLimits: boolean; readonly stormFromMs: number; readonly stormToMs: number }
  | { readonly kind: 'report' };

export interface Served {
  /** Since `begin`. */
  readonly takenAtMs: readonly number[];
  readonly refused: number;
  readonly mostAtATime: number;
}

const LATENCY_MS = 200;
const PER_SECOND = 100;

const api = await startFakeApi();
api.delayMs = LATENCY_MS;
let begunMs = 0;
let storm = { fromMs: 0, toMs: 0 };
let takenAtMs: number[] = [];
let refused = 0;

api.judge = ({ atMs }) => {
  const sinceMs = atMs - begunMs;
  const lastSecond = takenAtMs.filter((at) => at > sinceMs - 1000).length;
  if ((sinceMs >= storm.fromMs && sinceMs < storm.toMs) || lastSecond >= PER_SECOND) {
    refused++;
    return 429;
  }
  takenAtMs.push(sinceMs);
  return undefined;
};

process.on('message', (order: Order) => {
  if (order.kind === 'begin') {
    begunMs = Date.now();
    storm = { fromMs: order.stormFromMs, toMs: order.stormToMs };
    takenAtMs = [];
    refused = 0;
    api.mostAtATime = 0;
    api.headers = order.statesLimits ? { 'x-ratelimit-limit-requests': String(PER_SECOND * 60) } : {};
  }
  api.requests.length = api.served.length = 0;
  process.send?.({ takenAtMs, refused, mostAtATime: api.mostAtATime } satisfies Served);
});
process.on('disconnect', () => {
  process.exit();
});
process.send?.(api.environment);
