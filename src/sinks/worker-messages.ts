import type { ShardRows } from './port.ts';
import type { EncoderSpec } from './shard-encoder.ts';

/** What goes to the worker of a file format. Calls on one shard come in order. */
export type WorkerRequest = { readonly call: number; readonly shard: number } & (
  | { readonly kind: 'open'; readonly spec: EncoderSpec }
  | { readonly kind: 'write'; readonly rows: ShardRows }
  | { readonly kind: 'finish'; readonly name: string }
  | { readonly kind: 'abort' }
);

/** Its answer to each request. Errors travel as their parts: a class does not survive the way. */
export interface WorkerReply {
  readonly call: number;
  readonly result?: unknown;
  /** Of the rows that were written: to be used again. */
  readonly memory?: ArrayBuffer;
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly retriable: boolean;
    readonly poison: boolean;
  };
}
