import { parentPort } from 'node:worker_threads';
import { messageOf } from '../../errors.ts';
import type { CloseRequest, WorkerReply, WorkRequest } from './messages.ts';

/** What a worker thread does once its model is loaded. */
export interface WorkerService<Request> {
  readonly pads: boolean;
  /** Begins what may be done while an earlier request is still at work; called at once when the request comes. */
  readonly prepare?: (request: Request) => void;
  /** One request at a time, in the order in which they come; a rejection is answered as a failure. */
  readonly answer: (request: Request) => Promise<{ readonly reply: WorkerReply; readonly moved?: ArrayBuffer[] }>;
}

/** Runs a worker thread: loads its model, then serves until it is told to close. */
export function serveWorker<Request extends WorkRequest>(load: () => Promise<WorkerService<Request>>): void {
  const port = parentPort;
  if (!port) return;
  const serve = async (): Promise<void> => {
    const service = await load();
    const answer = async (request: Request): Promise<void> => {
      try {
        const { reply, moved } = await service.answer(request);
        port.postMessage(reply, moved);
      } catch (error) {
        port.postMessage({ kind: 'failed', id: request.id, reason: messageOf(error) } satisfies WorkerReply);
      }
    };
    let last = Promise.resolve();
    port.on('message', (request: Request | CloseRequest) => {
      if (request.kind === 'close') {
        port.close();
        return;
      }
      service.prepare?.(request);
      last = last.then(() => answer(request));
    });
    port.postMessage({ kind: 'ready', pads: service.pads } satisfies WorkerReply);
  };
  serve().catch((error: unknown) => {
    port.postMessage({ kind: 'load-failed', reason: messageOf(error) } satisfies WorkerReply);
  });
}
