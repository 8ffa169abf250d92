/**
 * The thread that reads one foreign Parquet file: a damaged one may end the WebAssembly it is read by, with an exception
 * that nobody can catch and a promise that never settles. It then ends this thread, not the run.
 */
import { openAsBlob } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { ParquetFile, type RecordBatch } from 'parquet-wasm';
import { messageOf } from '../../errors.ts';
import type { ParquetFooter, ParquetReply, ParquetRequest } from './parquet-thread.ts';

const BATCH_ROWS = 1024;
const path = workerData as string;
const file = openAsBlob(path).then((blob) => ParquetFile.fromFile(blob));
let batches: AsyncGenerator<Uint8Array> | undefined;

async function footerOf(metadataKey: string): Promise<ParquetFooter> {
  const parquet = await file;
  const footer = parquet.metadata();
  const fileMetadata = footer.fileMetadata();
  const own: unknown = fileMetadata.keyValueMetadata().get(metadataKey);
  const rowGroupBytes = Array.from({ length: footer.numRowGroups() }, (_, i) => footer.rowGroup(i).totalByteSize());
  const schema = parquet.schema().intoIPCStream();
  return { rows: fileMetadata.numRows(), rowGroupBytes, own: typeof own === 'string' ? own : undefined, schema };
}

async function* read(columns: readonly string[] | undefined): AsyncGenerator<Uint8Array> {
  const parquet = await file;
  const groups = parquet.metadata().numRowGroups();
  for (let group = 0; group < groups; group++) {
    const stream: AsyncIterable<RecordBatch> = await parquet.stream({
      ...{ rowGroups: [group], batchSize: BATCH_ROWS, concurrency: 1 },
      ...(columns && { columns: [...columns] }),
    });
    for await (const batch of stream) yield batch.intoIPCStream();
  }
}

async function answer(request: ParquetRequest): Promise<ParquetReply> {
  try {
    if (request.kind === 'footer') return { footer: await footerOf(request.metadataKey) };
    batches ??= read(request.columns);
    const next = await batches.next();
    return { batch: next.done === true ? undefined : next.value };
  } catch (error) {
    return { failure: messageOf(error) };
  }
}

parentPort?.on('message', (request: ParquetRequest) => {
  void answer(request).then((reply) => parentPort?.postMessage(reply));
});
