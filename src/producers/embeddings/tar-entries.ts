/**
 * Members of a tar stream: ustar, the pax records "path" and "size", GNU's long names
 * (https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html, "ustar Interchange Format").
 */
import { poisonError, type PipelineError } from '../../errors.ts';

const BLOCK = 512;
const MAX_EXTENSION_BYTES = 1024 * 1024;

export interface TarEntry {
  /** As it stands there: not to be trusted. */
  readonly path: string;
  readonly size: number;
  readonly kind: 'file' | 'folder' | 'other';
  /** Its bytes; to be pulled before the next entry is asked for, or not at all. */
  readonly content: AsyncIterable<Buffer>;
}

/** True for the beginning of a tar. */
export function isTar(head: Buffer): boolean {
  return head.length >= BLOCK && head.subarray(257, 262).toString('latin1') === 'ustar' && hasChecksum(head);
}

/** Errors: IMPORT_TAR (poison) where it is damaged or cut. */
export async function* tarEntries(chunks: AsyncIterable<Buffer>, name: string): AsyncGenerator<TarEntry> {
  const bytes = new ByteReader(chunks);
  let extended = new Map<string, string>();
  for (;;) {
    const header = await bytes.take(BLOCK);
    if (header.length === 0) throw bad(name, 'it ends without an end');
    if (header.length < BLOCK) throw bad(name, 'it is cut');
    if (header.every((byte) => byte === 0)) return;
    if (!hasChecksum(header)) throw bad(name, 'a header has a wrong checksum');
    const type = String.fromCharCode(header[156] ?? 0);
    const size = extended.has('size') ? Number(extended.get('size')) : numberAt(header, 124, 12);
    if (!Number.isSafeInteger(size) || size < 0) throw bad(name, 'a header has no size');
    const padding = (BLOCK - (size % BLOCK)) % BLOCK;
    if (type === 'x' || type === 'g' || type === 'L' || type === 'K') {
      if (size > MAX_EXTENSION_BYTES) throw bad(name, 'a header is longer than any');
      const data = await bytes.take(size);
      if (data.length < size) throw bad(name, 'it is cut');
      await bytes.skip(padding);
      if (type === 'x') for (const [key, value] of paxRecords(data)) extended.set(key, value);
      if (type === 'L') extended.set('path', textOf(data));
      continue;
    }
    const body = bytes.body(size, () => bad(name, 'it is cut'));
    yield {
      path: extended.get('path') ?? pathOf(header),
      size,
      kind: type === '0' || type === '\0' || type === '7' ? 'file' : type === '5' ? 'folder' : 'other',
      content: body.content,
    };
    extended = new Map();
    await bytes.skip(body.left() + padding);
  }
}

class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #chunk: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Up to `most` bytes that are there together; none at the end. */
  async some(most: number): Promise<Buffer> {
    while (this.#chunk.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) return this.#chunk;
      this.#chunk = next.value;
    }
    const part = this.#chunk.subarray(0, most);
    this.#chunk = this.#chunk.subarray(part.length);
    return part;
  }

  /** Fewer only at the end. */
  async take(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let left = count; left > 0;) {
      const part = await this.some(left);
      if (part.length === 0) break;
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts);
  }

  async skip(count: number): Promise<void> {
    for (let left = count; left > 0;) {
      const part = await this.some(left);
      if (part.length === 0) return;
      left -= part.length;
    }
  }

  body(size: number, cut: () => PipelineError): { content: AsyncIterable<Buffer>; left: () => number } {
    let left = size;
    const some = (): Promise<Buffer> => this.some(left);
    async function* read(): AsyncGenerator<Buffer> {
      while (left > 0) {
        const part = await some();
        if (part.length === 0) throw cut();
        left -= part.length;
        yield part;
      }
    }
    return { content: read(), left: () => left };
  }
}

function hasChecksum(header: Buffer): boolean {
  let sum = 8 * 0x20;
  for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += header[i] ?? 0;
  return sum === numberAt(header, 148, 8);
}

/** Octal text, or big-endian with the highest bit set. */
function numberAt(header: Buffer, from: number, length: number): number {
  const field = header.subarray(from, from + length);
  if (((field[0] ?? 0) & 0x80) === 0) return Number.parseInt(textOf(field).trim() || '0', 8);
  return field.subarray(1).reduce((sum, byte) => sum * 256 + byte, (field[0] ?? 0) & 0x7f);
}

function pathOf(header: Buffer): string {
  const isUstar = header.subarray(257, 263).toString('latin1') === 'ustar\0';
  const prefix = isUstar ? textOf(header.subarray(345, 500)) : '';
  const path = textOf(header.subarray(0, 100));
  return prefix === '' ? path : `${prefix}/${path}`;
}

/** `<length> <key>=<value>\n`, the length in bytes and of all of it. */
function* paxRecords(data: Buffer): Generator<[string, string]> {
  for (let at = 0; at < data.length;) {
    const blank = data.indexOf(0x20, at);
    const length = Number(data.subarray(at, blank).toString('latin1'));
    if (blank < 0 || !Number.isInteger(length) || length <= blank - at) return;
    const record = data.subarray(blank + 1, at + length - 1).toString();
    const equals = record.indexOf('=');
    if (equals > 0) yield [record.slice(0, equals), record.slice(equals + 1)];
    at += length;
  }
}

/** Up to the first NUL. */
function textOf(field: Buffer): string {
  const end = field.indexOf(0);
  return field.subarray(0, end < 0 ? field.length : end).toString();
}

function bad(name: string, what: string): PipelineError {
  return poisonError('IMPORT_TAR', `${name} can't be unpacked as a whole: ${what}. Members before that were imported.`);
}
