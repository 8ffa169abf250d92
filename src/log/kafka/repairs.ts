/** As much of kafkajs' RequestQueue as its repair needs. */
interface RequestQueue {
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  readonly throttledUntil: number;
  readonly pending: readonly unknown[];
  checkPendingRequests(): void;
  scheduleCheckPendingRequests(): void;
}

const CHECK_PENDING_MS = 10;

/**
 * kafkajs 2.2.4 checks each connection's queue in an endless chain of timers of 1 ms, also when nothing is queued and
 * nothing is throttled (tulios/kafkajs#1751): an idle process burns CPU, and Node 24 warns of negative timeouts. Here a
 * timer is set only where there is something to wait for.
 */
export function repairRequestQueue(queueClass: { readonly prototype: RequestQueue }): void {
  queueClass.prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    if (this.throttleCheckTimeoutId !== null) return;
    let waitMs = this.throttledUntil - Date.now();
    if (waitMs <= 0) {
      if (this.pending.length === 0) return;
      waitMs = CHECK_PENDING_MS;
    }
    this.throttleCheckTimeoutId = setTimeout(() => {
      this.throttleCheckTimeoutId = null;
      this.checkPendingRequests();
    }, waitMs);
  };
}
