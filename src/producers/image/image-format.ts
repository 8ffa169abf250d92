import { extname } from 'node:path';
import { availableParallelism } from 'node:os';
import { failureOutcome, messageOf, PipelineError } from '../../errors.ts';
import { imageFormat as kindOfImage } from '../../models/local/image/image-format.ts';
import type { MetadataValue, RecordId } from '../../record/types.ts';
import { readHead } from '../files/file-head.ts';
import { wantedKeys } from '../files/wanted-keys.ts';
import type { FileFormat, FormatOptions, OpenFile, SourceBatch, SourceFault, SourceFile, SourceItem } from '../port.ts';
import { rawOf } from './image-faults.ts';
import { imageSettings, imageSettingsText, type ImageSettings } from './options.ts';
import type { PreparedImage } from './prepare-image.ts';
import { readImageFile } from './read-image.ts';

const EXTENSIONS = ['.jpg', '.jpeg', '.png', '.webp', '.gif', '.tif', '.tiff', '.avif'];
const MAX_NAME_BYTES = 1024;
const FILES_AT_ONCE = Math.max(2, Math.min(availableParallelism() * 2, 8));
/** Work begins in `open` while less than this is ready and waits; a source of its own is read much later. */
const MOST_WAITING_BYTES = 64 * 1024 * 1024;

/** Images that are files: a record each, with the file's name as its id. */
export const imageFileFormat: FileFormat = {
  name: 'image',
  sniff: (head, name) => {
    if (kindOfImage(head) !== undefined) return 'certain';
    return EXTENSIONS.includes(extname(name).toLowerCase()) ? 'likely' : 'no';
  },
  filesAtOnce: FILES_AT_ONCE,
  idsByName: true,
  open: (file, options) => Promise.resolve().then(() => openImage(file, options)),
};

let waitingBytes = 0;

type Outcome = { readonly item: SourceItem } | { readonly fault: SourceFault };

function openImage(file: SourceFile, options: FormatOptions): OpenFile {
  const settings = imageSettings(options);
  const isWanted = wantedKeys(options.metadata);
  const begin = (): Promise<Outcome> => outcomeOf(file, settings, isWanted);
  const begun = waitingBytes < MOST_WAITING_BYTES ? { outcome: begin(), end: countWaiting(file, settings) } : undefined;
  // Met when it is read; until then a rejection must not count as unhandled.
  begun?.outcome.catch(() => undefined);
  return {
    description: { images: imageSettingsText(settings) },
    async *read(): AsyncGenerator<SourceBatch> {
      begun?.end();
      const outcome = await (begun?.outcome ?? begin());
      if ('item' in outcome) yield { items: [outcome.item], filtered: 0, bytesRead: file.bytes };
      else yield { items: [outcome.fault], filtered: 0, bytesRead: file.bytes, unreadFiles: [file.name] };
    },
  };
}

/** Until the function that it answers with is called, or the file is not wanted any more. */
function countWaiting({ bytes, signal }: SourceFile, { maxInlineBytes }: ImageSettings): () => void {
  let counted = Math.min(bytes, maxInlineBytes);
  waitingBytes += counted;
  const end = (): void => {
    signal?.removeEventListener('abort', end);
    waitingBytes -= counted;
    counted = 0;
  };
  signal?.addEventListener('abort', end, { once: true });
  return end;
}

async function outcomeOf(
  file: SourceFile,
  settings: ImageSettings,
  isWanted: (key: string) => boolean,
): Promise<Outcome> {
  file.signal?.throwIfAborted();
  if (Buffer.byteLength(file.name) > MAX_NAME_BYTES)
    return faultOf(file, 'IMAGE_NAME_TOO_LONG', `its name has more than ${MAX_NAME_BYTES} bytes. Rename it`);
  let bytes: Buffer | undefined;
  try {
    bytes = await readImageFile(file.path, settings);
    const { prepareImage } = await import('./prepare-image.ts');
    const prepared = await prepareImage(bytes, settings);
    return { item: itemOf(file, prepared, bytes, isWanted) };
  } catch (error) {
    if (!(error instanceof PipelineError) || failureOutcome(error) !== 'dead-letter') throw error;
    return faultOf(file, error.code, messageOf(error), bytes);
  }
}

function itemOf(
  file: SourceFile,
  { image, width, height, mime }: PreparedImage,
  bytes: Buffer,
  isWanted: (key: string) => boolean,
): SourceItem {
  const all: readonly [string, MetadataValue][] = [
    ['source', file.name],
    ['width', width],
    ['height', height],
    ['mime', mime],
    ['bytes', bytes.length],
  ];
  return {
    kind: 'item',
    id: file.name as RecordId,
    image,
    metadata: new Map(all.filter(([key]) => isWanted(key))),
    line: 1,
    // Of one that was scaled down, the original may be too large for a dead letter.
    ...(image.bytes === bytes && { raw: bytes }),
  };
}

async function faultOf(file: SourceFile, code: string, what: string, bytes?: Uint8Array): Promise<Outcome> {
  const raw = rawOf(bytes ?? (await headOf(file.path)));
  const cut = raw.length < file.bytes ? ` Its first ${raw.length} of ${file.bytes} bytes are kept here.` : '';
  const reason = `${file.location ?? file.path}: ${what}.${cut}`;
  return { fault: { kind: 'fault', code, reason, line: 0, raw } };
}

/** Nothing of a file that can't be read. */
async function headOf(path: string): Promise<Uint8Array> {
  return readHead(path).then(
    ({ bytes }) => bytes,
    () => new Uint8Array(0),
  );
}
