import { isUtf8 } from 'node:buffer';
import { failureOutcome, PipelineError, UsageError } from '../../errors.ts';
import { uncompressedChunks } from '../files/uncompressed.ts';
import { type FileHead, readHead } from '../files/file-head.ts';
import { withImages } from '../image/attach-images.ts';
import type { FormatOptions, OpenFile, SourceBatch, SourceFault, SourceFile, SourceItem } from '../port.ts';
import { parseExactly } from '../../record/exact-json.ts';
import { FieldSample } from './field-sample.ts';
import { END, LINE_TOO_LONG, LineStream, NEED_BYTES } from './line-stream.ts';
import { RecordMapper } from './record-mapper.ts';
import { planRecords, type RecordPlan } from './record-plan.ts';
import { unseenFields } from './unseen-fields.ts';

/** Of records, for what fields there are. */
const SAMPLE_BYTES = 256 * 1024;
const SAMPLE_RECORDS = 1_000;
const MAX_BATCH_ITEMS = 2_048;
/** A dead letter carries its line's bytes: they have to fit into one log record (8 MiB) with its headers. */
const MAX_LINE_BYTES = 8 * 1024 * 1024 - 64 * 1024;

/**
 * Opens a file of JSON lines: reads its first 256 KiB for the fields there are. Rejects with a `UsageError` for an id
 * or text that no record has, and where none is found.
 */
export async function openJsonl(file: SourceFile, options: FormatOptions): Promise<OpenFile> {
  const head = await readHead(file.path);
  refuseWide(file, head);
  const sample = new FieldSample(file.location ?? file.path, await sampleRecords(file, head.compression));
  const location = file.location ?? file.path;
  const plan = planRecords(options, sample);
  const format = head.compression === undefined ? 'JSON lines' : `JSON lines (${head.compression})`;
  const opened: OpenFile = {
    description: { format, ...plan.description, ...unseenFields(plan, sample) },
    read: (signal) => readJsonl(file, head.compression, plan, signal),
  };
  return plan.image === undefined ? opened : withImages(opened, plan.image, options, location);
}

function refuseWide({ path, location = path }: SourceFile, { bytes: [first, second] }: FileHead): void {
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff))
    throw new UsageError(
      `${location} is UTF-16, and JSON lines are read as UTF-8. Convert it: iconv -f UTF-16 -t UTF-8.`,
    );
}

async function sampleRecords(
  { path }: SourceFile,
  compression: FileHead['compression'],
): Promise<Readonly<Record<string, unknown>>[]> {
  const records: Readonly<Record<string, unknown>>[] = [];
  const chunks = withoutMark(uncompressedChunks(path, compression, { progress: { bytesRead: 0 } }));
  const stream = new LineStream(chunks, SAMPLE_BYTES);
  let seen = 0;
  try {
    while (seen < SAMPLE_BYTES && records.length < SAMPLE_RECORDS) {
      const event = stream.next();
      if (event === END) break;
      if (event === NEED_BYTES) await stream.fill();
      else if (event === LINE_TOO_LONG) seen += stream.oversized.bytes;
      else {
        const line = stream.window.subarray(stream.from, stream.end);
        seen += line.length + 1;
        const record = isUtf8(line) ? parsed(line.toString('utf8')) : undefined;
        if (record !== undefined) records.push(record);
      }
    }
  } catch (error) {
    // What is damaged is met again, and told, when the file is read; without any record it can't be.
    if (failureOutcome(error) !== 'dead-letter' || records.length === 0) throw error;
  } finally {
    await chunks.return(undefined);
  }
  return records;
}

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const record = parseExactly(line);
    const isObject = typeof record === 'object' && record !== null && !Array.isArray(record);
    // One that is nested too deeply for a record is none for the sample either.
    JSON.stringify(record);
    return isObject ? (record as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    // Only a sample: the line becomes a dead letter when it is read.
    return undefined;
  }
}

async function* readJsonl(
  file: SourceFile,
  compression: FileHead['compression'],
  plan: RecordPlan,
  signal?: AbortSignal,
): AsyncGenerator<SourceBatch> {
  const progress = { bytesRead: 0 };
  const chunks = withoutMark(uncompressedChunks(file.path, compression, { progress, signal }));
  const stream = new LineStream(chunks, MAX_LINE_BYTES);
  const mapper = new RecordMapper(stream, plan, file.location ?? file.path);
  try {
    for (;;) {
      const { items, filtered, event } = nextBatch(stream, mapper);
      if (items.length > 0 || filtered > 0 || event === END) {
        // Pending bytes are still to be worked on; compressed, nobody knows what they were.
        const bytesRead = progress.bytesRead - (compression === undefined ? stream.pending : 0);
        yield { items, filtered, bytesRead };
      }
      if (event === END) return;
      if (event !== NEED_BYTES) continue;
      const damage = await fillOrDamage(stream, mapper);
      if (damage === undefined) continue;
      yield { items: [damage], filtered: 0, bytesRead: progress.bytesRead, isPartial: true };
      return;
    }
  } finally {
    await chunks.return(undefined);
  }
}

/** Lines until one batch is full or the window is used up. */
function nextBatch(
  stream: LineStream,
  mapper: RecordMapper,
): { items: (SourceItem | SourceFault)[]; filtered: number; event: number } {
  const items: (SourceItem | SourceFault)[] = [];
  let filtered = 0;
  while (items.length < MAX_BATCH_ITEMS) {
    const event = stream.next();
    if (event === NEED_BYTES || event === END) return { items, filtered, event };
    const item = event === LINE_TOO_LONG ? tooLong(stream, mapper) : mapper.map();
    if (item === 'filtered') filtered++;
    else if (item !== 'blank') items.push(item);
  }
  return { items, filtered, event: -1 };
}

function tooLong({ oversized }: LineStream, mapper: RecordMapper): SourceFault {
  const { sample, bytes } = oversized;
  const what = `the line has ${bytes} bytes, ${MAX_LINE_BYTES} are allowed; its first ${sample.length} are kept here`;
  return mapper.faultWith('JSONL_LINE_TOO_LONG', what, sample);
}

/** The fault of a compressed file that can't be unpacked further: the line that it breaks off in, and all behind it. */
async function fillOrDamage(stream: LineStream, mapper: RecordMapper): Promise<SourceFault | undefined> {
  try {
    await stream.fill();
    return undefined;
  } catch (error) {
    if (!(error instanceof PipelineError) || failureOutcome(error) !== 'dead-letter') throw error;
    const raw = stream.pendingSample;
    return mapper.faultWith(error.code, `${error.message}; nothing behind line ${stream.line} could be read`, raw);
  }
}

/** Without the mark that some programs put before UTF-8. */
async function* withoutMark(chunks: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  let isFirst = true;
  for await (const chunk of chunks) {
    const hasMark = isFirst && chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf;
    isFirst = false;
    yield hasMark ? chunk.subarray(3) : chunk;
  }
}
