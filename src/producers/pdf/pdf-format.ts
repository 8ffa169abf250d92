import { availableParallelism } from 'node:os';
import type { MetadataValue, RecordId } from '../../record/types.ts';
import { wantedKeys } from '../files/wanted-keys.ts';
import type { FileFormat, FormatOptions, Likelihood, OpenFile, SourceBatch, SourceFile, SourceItem } from '../port.ts';
import { DocumentReading, type ChunkBatch } from './document-reading.ts';
import type { Chunk, DocumentFacts, PdfProblem, PdfProblemCode, ReadRequest } from './messages.ts';
import { splitSettings, splitText } from './options.ts';
import { pdfFault } from './pdf-faults.ts';
import { ReaderPool } from './reader-pool.ts';
import type { ReaderLimits } from './reader-process.ts';

export interface PdfLimits extends ReaderLimits, Pick<ReadRequest, 'maxFileBytes' | 'maxPages' | 'maxTextUnits'> {}

export interface PdfFormatOptions {
  /** Processes that read. Default: one a core, up to 8. */
  readonly processes?: number;
  readonly limits?: Partial<PdfLimits>;
  /** What the processes run; tests put another in its place. */
  readonly script?: URL;
}

export const PDF_LIMITS: PdfLimits = {
  maxRssBytes: 512 * 2 ** 20,
  stallMs: 20_000,
  fileMs: 600_000,
  maxFileBytes: 256 * 2 ** 20,
  maxPages: 20_000,
  maxTextUnits: 64 * 2 ** 20,
};

const MAX_PROCESSES = 8;
const HEADER = Buffer.from('%PDF-');
/** It was read and has nothing to say: what it said before has vanished. With any other problem nobody knows. */
const SAYS_NOTHING = new Set<PdfProblemCode>(['PDF_NO_PAGES', 'PDF_ONLY_IMAGES', 'PDF_NO_TEXT']);
/** Bytes of the longest id a record may have, less its `#` and number. */
const MAX_NAME_BYTES = 1024 - 11;

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const SCRIPT = new URL(`./pdf-worker.${extension}`, import.meta.url);

/**
 * PDF documents: their text by pdf.js, in processes of their own that are ended when a document takes too much time or
 * memory, cut into chunks with the ids `<file>#1`, `<file>#2`, …
 */
export function createPdfFormat(options: PdfFormatOptions = {}): FileFormat & { close(): Promise<void> } {
  const limits = { ...PDF_LIMITS, ...options.limits };
  const processes = options.processes ?? Math.min(availableParallelism(), MAX_PROCESSES);
  const pool = new ReaderPool({ processes, documentsAhead: processes * 2, limits, script: options.script ?? SCRIPT });
  return {
    name: 'pdf',
    sniff,
    idsByName: true,
    // Twice as many as are read: a long document must not leave the other processes idle.
    filesAtOnce: processes * 2,
    open: (file, formatOptions) => Promise.resolve().then(() => openPdf(pool, limits, file, formatOptions)),
    close: () => pool.close(),
  };
}

export const pdfFormat: FileFormat = createPdfFormat();

/** A text may speak of `%PDF`, so only its very beginning is proof. */
function sniff(head: Uint8Array, name: string): Likelihood {
  if (HEADER.equals(head.subarray(0, HEADER.length))) return 'certain';
  return name.toLowerCase().endsWith('.pdf') ? 'likely' : 'no';
}

function openPdf(pool: ReaderPool, limits: PdfLimits, file: SourceFile, options: FormatOptions): OpenFile {
  const split = splitSettings(options);
  const description = { split: splitText(split) };
  if (Buffer.byteLength(file.name) > MAX_NAME_BYTES) return { description, read: () => refuseName(file) };
  const { maxFileBytes, maxPages, maxTextUnits } = limits;
  const request: ReadRequest = { kind: 'read', path: file.path, maxFileBytes, maxPages, maxTextUnits, split };
  const reading = new DocumentReading(pool, request, file.signal);
  const wanted = wantedKeys(options.metadata);
  return { description, read: (signal) => readDocument(reading, file, wanted, signal) };
}

async function* refuseName(file: SourceFile): AsyncGenerator<SourceBatch> {
  const problem = { code: 'PDF_NAME_TOO_LONG', detail: `it is longer than ${MAX_NAME_BYTES} bytes` } as const;
  yield { items: [await pdfFault(file, problem)], filtered: 0, bytesRead: file.bytes };
}

async function* readDocument(
  reading: DocumentReading,
  file: SourceFile,
  isWanted: (key: string) => boolean,
  signal?: AbortSignal,
): AsyncGenerator<SourceBatch> {
  signal?.throwIfAborted();
  const stop = (): void => {
    reading.stop();
  };
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const batches = reading.batches();
    let next = await batches.next();
    while (next.done !== true) {
      const { facts, first, chunks } = next.value;
      const items = itemsOf(file, next.value, isWanted);
      yield { items, filtered: 0, bytesRead: Math.floor((file.bytes * (first + chunks.length - 1)) / facts.chunks) };
      next = await batches.next();
    }
    const { facts } = reading;
    const problem = next.value ?? (facts && unreadablePages(facts));
    const isWhole = problem === undefined && facts !== undefined;
    yield {
      items: problem === undefined ? [] : [await pdfFault(file, problem)],
      filtered: 0,
      bytesRead: file.bytes,
      ...(problem !== undefined && !SAYS_NOTHING.has(problem.code) && { unreadFiles: [file.name] }),
      ...(isWhole && { numbered: [{ prefix: `${file.name}#`, count: facts.chunks }] }),
    };
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
    stop();
  }
}

function unreadablePages({ unreadablePages: pages, pageFault = '' }: DocumentFacts): PdfProblem | undefined {
  if (pages.length === 0) return undefined;
  const shown = pages.slice(0, 10).join(', ') + (pages.length > 10 ? ` and ${pages.length - 10} more` : '');
  const detail = `${pages.length === 1 ? 'page' : 'pages'} ${shown} (${pageFault}); what could be read is published`;
  return { code: 'PDF_PAGES_UNREADABLE', detail };
}

function itemsOf(
  file: SourceFile,
  { facts, first, chunks }: ChunkBatch,
  isWanted: (key: string) => boolean,
): SourceItem[] {
  return chunks.map((chunk, index): SourceItem => {
    const number = first + index;
    const [text, page] = chunk;
    return {
      kind: 'item',
      id: `${file.name}#${number}` as RecordId,
      text,
      metadata: metadataOf(file, facts, chunk, number, isWanted),
      page,
      chunk: number,
      line: number,
    };
  });
}

function metadataOf(
  file: SourceFile,
  { title, author, created, modified }: DocumentFacts,
  [, page, lastPage]: Chunk,
  chunk: number,
  isWanted: (key: string) => boolean,
): Map<string, MetadataValue> {
  const all: readonly [string, MetadataValue | undefined][] = [
    ['source', file.name],
    ['page', page],
    ['lastPage', lastPage === page ? undefined : lastPage],
    ['chunk', chunk],
    ['title', title],
    ['author', author],
    ['created', created],
    ['modified', modified],
  ];
  const metadata = new Map<string, MetadataValue>();
  for (const [key, value] of all) if (value !== undefined && isWanted(key)) metadata.set(key, value);
  return metadata;
}
