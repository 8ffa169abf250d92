import { parentPort } from 'node:worker_threads';
import { JsonlEncoder } from './json/jsonl-encoder.ts';
import { DocumentEncoder } from './json/document-encoder.ts';
import { NpyEncoder } from './npy/npy-encoder.ts';
import { NpySingleEncoder } from './npy/npy-single-encoder.ts';
import { ParquetEncoder } from './parquet/parquet-encoder.ts';
import type { EncoderSpec, ShardEncoder } from './shard-encoder.ts';
import type { WorkerReply, WorkerRequest } from './worker-messages.ts';
import { fatalError, messageOf, PipelineError } from '../errors.ts';

/** The worker thread of a file format: encoders by shard, calls one after another in the order they were sent. */

const encoders = new Map<number, ShardEncoder>();

function openEncoder(spec: EncoderSpec): ShardEncoder {
  switch (spec.format) {
    case 'npy':
      return new NpyEncoder(spec);
    case 'jsonl':
      return new JsonlEncoder(spec);
    case 'json':
    case 'vector-store':
    case 'vector-store-jsonl':
      return new DocumentEncoder({ ...spec, form: spec.format });
    case 'npy-single':
      return new NpySingleEncoder(spec);
    case 'parquet':
      return new ParquetEncoder(spec);
  }
}

function handle(request: WorkerRequest): unknown {
  if (request.kind === 'open') {
    encoders.set(request.shard, openEncoder(request.spec));
    return undefined;
  }
  const encoder = encoders.get(request.shard);
  if (request.kind === 'abort') {
    encoders.delete(request.shard);
    encoder?.abort();
    return undefined;
  }
  if (encoder === undefined) {
    // Its opening has failed, or an earlier worker has died with it: its rows must not vanish.
    throw fatalError('FILE_SINK_WORKER', 'The shard is not open in this thread.');
  }
  if (request.kind === 'write') {
    encoder.write(request.rows);
    return undefined;
  }
  const finished = encoder.finish(request.name);
  encoders.delete(request.shard);
  return finished;
}

function answer(request: WorkerRequest): void {
  let reply: WorkerReply;
  try {
    reply = { call: request.call, result: handle(request) };
  } catch (error) {
    const known = error instanceof PipelineError;
    const { code, retriable, poison } = known ? error : { code: 'FILE_SINK_WORKER', retriable: false, poison: false };
    reply = { call: request.call, error: { code, message: messageOf(error), retriable, poison } };
  }
  if (request.kind !== 'write') {
    parentPort?.postMessage(reply);
    return;
  }
  const memory = request.rows.bytes.buffer;
  parentPort?.postMessage({ ...reply, memory } satisfies WorkerReply, [memory]);
}

parentPort?.on('message', (request: WorkerRequest) => {
  answer(request);
});
