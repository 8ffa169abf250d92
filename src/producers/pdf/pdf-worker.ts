/** The process that reads PDFs, one at a time: text, chunks, and back. It may be killed at any moment. */
import { readFile, stat } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { messageOf } from '../../errors.ts';
import { chunkDocument } from './chunk-document.ts';
import { DocumentProblem, extractText } from './extract-text.ts';
import type { Chunk, ReaderReply, ReaderRequest, ReadRequest, SplitSettings } from './messages.ts';
import { tokenLength } from './token-length.ts';

const PROGRESS_EVERY_MS = 500;
const BATCH_CHUNKS = 512;
const BATCH_UNITS = 256 * 1024;
/** Batches under way that nobody has taken: most documents are sent whole, and the next one is begun. */
const BATCHES_AHEAD = 16;

let lastProgressMs = 0;
let credit = 0;
let onCredit: (() => void) | undefined;
const lengths = new Map<string, (piece: string) => number>();

function send(reply: ReaderReply): void {
  process.send?.(reply);
}

function progress(): void {
  const now = performance.now();
  if (now - lastProgressMs < PROGRESS_EVERY_MS) return;
  lastProgressMs = now;
  send({ kind: 'progress' });
}

function lengthOf({ tokenizer }: SplitSettings): ((piece: string) => number) | undefined {
  if (tokenizer === undefined) return undefined;
  let count = lengths.get(tokenizer.path);
  if (count === undefined) lengths.set(tokenizer.path, (count = tokenLength(tokenizer)));
  const counter = count;
  return (piece) => {
    progress();
    return counter(piece);
  };
}

async function load({ path, maxFileBytes }: ReadRequest): Promise<Buffer<ArrayBuffer>> {
  const { size } = await stat(path);
  if (size > maxFileBytes)
    throw new DocumentProblem('PDF_TOO_LARGE', `it has ${size} bytes, ${maxFileBytes} are the limit`);
  return readFile(path);
}

async function chunksOf(request: ReadRequest, bytes: Buffer<ArrayBuffer>): Promise<readonly Chunk[]> {
  // The tokenizer first: where its files are missing, that is no fault of the document.
  const count = lengthOf(request.split);
  const { pages, facts } = await extractText(bytes, request, progress);
  const chunks = [...chunkDocument(pages, { ...request.split, ...(count && { lengthOf: count }) })];
  send({ kind: 'document', facts: { ...facts, chunks: chunks.length } });
  return chunks;
}

async function sendAll(chunks: readonly Chunk[]): Promise<void> {
  credit = BATCHES_AHEAD;
  let batch: Chunk[] = [];
  let units = 0;
  const flush = async (): Promise<void> => {
    while (credit === 0) await new Promise<void>((resolve) => (onCredit = resolve));
    credit--;
    send({ kind: 'chunks', chunks: batch });
    batch = [];
    units = 0;
  };
  for (const chunk of chunks) {
    batch.push(chunk);
    units += chunk[0].length;
    if (batch.length === BATCH_CHUNKS || units >= BATCH_UNITS) await flush();
  }
  if (batch.length > 0) await flush();
}

async function answer(request: ReadRequest): Promise<void> {
  try {
    await sendAll(await chunksOf(request, await load(request)));
    send({ kind: 'done', rssBytes: process.memoryUsage.rss() });
  } catch (error) {
    if (error instanceof DocumentProblem)
      send({ kind: 'problem', problem: error.problem, rssBytes: process.memoryUsage.rss() });
    else send({ kind: 'failed', reason: messageOf(error) });
  }
}

const { maxRssBytes } = JSON.parse(process.argv[2] ?? '') as { readonly maxRssBytes: number };
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
// It must not keep the process: this ends when nothing is left to do and whoever started it is gone.
new Worker(new URL(`./memory-watch-worker.${extension}`, import.meta.url), {
  workerData: { maxRssBytes, parent: process.ppid },
}).unref();

process.on('message', (request: ReaderRequest) => {
  if (request.kind === 'read') {
    void answer(request);
    return;
  }
  credit++;
  onCredit?.();
});
send({ kind: 'ready' });
