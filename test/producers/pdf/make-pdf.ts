import { deflateSync } from 'node:zlib';
import { encryptionOf, type Encryption } from './encrypt-pdf.ts';

/** The body of a PDF object, without `n 0 obj`; a stream where there are bytes. */
export interface PdfObject {
  readonly dictionary: string;
  readonly stream?: Buffer;
}

export interface PdfPage {
  /** Operators of the page's content stream. Bytes beyond Latin-1 are not for here. */
  readonly content: string | Buffer;
  /** Filters the content already has, as of `/Filter`. */
  readonly filter?: string;
  /** Further resources: `/XObject << /Im0 5 0 R >>`; objects come from `objects`. */
  readonly resources?: string;
}

export interface PdfSpec {
  readonly pages: readonly PdfPage[];
  /** `/Title (…)` and the like. */
  readonly info?: string;
  /** Numbered from `FIRST_OWN_OBJECT`. */
  readonly objects?: readonly PdfObject[];
  readonly compress?: boolean;
  /** Everything but streams in an object stream, and a cross-reference stream. */
  readonly objectStreams?: boolean;
  readonly encrypt?: Encryption;
  /** Instead of the real ones: `/Kids` of the page tree. */
  readonly kids?: string;
}

const CATALOG = 1;
const PAGES = 2;
const HELVETICA = 3;
const INFO = 4;
const ENCRYPT = 5;
/** Ten objects for a test's own; pages come behind them. */
export const FIRST_OWN_OBJECT = 6;
const FIRST_PAGE = 16;

/** Lines of Latin-1 text in Helvetica (`/F1`), from the top of a page down. */
export function lines(texts: readonly string[], { x = 72, y = 720, font = 'F1', leading = 14 } = {}): string {
  return `BT /${font} 12 Tf ${x} ${y} Td ${leading} TL ${texts.map((text) => `(${escaped(text)}) Tj T*`).join(' ')} ET\n`;
}

export function escaped(text: string): string {
  return text.replace(/[\\()]/g, '\\$&');
}

/** A text string of the info dictionary in UTF-16. */
export function utf16(text: string): string {
  return `<feff${Buffer.from(text, 'utf16le').swap16().toString('hex')}>`;
}

/** A PDF of our own making: standard fonts, as plain or as packed as asked. */
export function makePdf(spec: PdfSpec): Buffer {
  const objects = new Map<number, PdfObject>();
  const pageNumbers = spec.pages.map((_, index) => FIRST_PAGE + index * 2);
  objects.set(CATALOG, { dictionary: `<< /Type /Catalog /Pages ${PAGES} 0 R >>` });
  const kids = spec.kids ?? pageNumbers.map((number) => `${number} 0 R`).join(' ');
  objects.set(PAGES, { dictionary: `<< /Type /Pages /Kids [${kids}] /Count ${spec.pages.length} >>` });
  objects.set(HELVETICA, {
    dictionary: '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>',
  });
  if (spec.info !== undefined) objects.set(INFO, { dictionary: `<< ${spec.info} >>` });
  spec.objects?.forEach((object, index) => objects.set(FIRST_OWN_OBJECT + index, object));
  spec.pages.forEach((page, index) => {
    const number = FIRST_PAGE + index * 2;
    objects.set(number, {
      dictionary:
        `<< /Type /Page /Parent ${PAGES} 0 R /MediaBox [0 0 612 792] /Contents ${number + 1} 0 R ` +
        `/Resources << ${page.resources?.includes('/Font') === true ? '' : `/Font << /F1 ${HELVETICA} 0 R >>`} ${page.resources ?? ''} >> >>`,
    });
    const content = typeof page.content === 'string' ? Buffer.from(page.content, 'latin1') : page.content;
    objects.set(number + 1, {
      dictionary: page.filter === undefined ? '' : `/Filter ${page.filter}`,
      stream: content,
    });
  });
  return serialise(objects, spec);
}

function serialise(objects: Map<number, PdfObject>, spec: PdfSpec): Buffer {
  const parts: Buffer[] = [Buffer.from('%PDF-1.7\n%âãÏÓ\n', 'latin1')];
  let position = parts[0]?.length ?? 0;
  const offsets = new Map<number, [type: number, a: number, b: number]>();
  const encryption = spec.encrypt && encryptionOf(spec.encrypt);
  const write = (number: number, { dictionary, stream }: PdfObject, isPlain = false): void => {
    let body: Buffer;
    if (stream === undefined) {
      body = Buffer.from(isPlain || !encryption ? dictionary : encryption.strings(dictionary, number), 'latin1');
    } else {
      const packed = spec.compress === true && !dictionary.includes('/Filter');
      const bytes = packed ? deflateSync(stream) : stream;
      const sealed = isPlain || !encryption ? bytes : encryption.bytes(bytes, number);
      const head = `<< ${dictionary} ${packed ? '/Filter /FlateDecode ' : ''}/Length ${sealed.length} >>\nstream\n`;
      body = Buffer.concat([Buffer.from(head, 'latin1'), sealed, Buffer.from('\nendstream')]);
    }
    const whole = Buffer.concat([Buffer.from(`${number} 0 obj\n`), body, Buffer.from('\nendobj\n')]);
    offsets.set(number, [1, position, 0]);
    parts.push(whole);
    position += whole.length;
  };
  const packedNumbers = spec.objectStreams === true ? [...objects].filter(([, object]) => !object.stream) : [];
  for (const [number, object] of objects) if (object.stream || spec.objectStreams !== true) write(number, object);
  if (encryption) write(ENCRYPT, { dictionary: encryption.dictionary }, true);
  let next = Math.max(...objects.keys()) + 1;
  if (packedNumbers.length > 0) {
    const bodies = packedNumbers.map(([, { dictionary }]) => Buffer.from(dictionary + '\n', 'latin1'));
    let at = 0;
    const index = packedNumbers.map(([number], i) => {
      const entry = `${number} ${at}`;
      at += bodies[i]?.length ?? 0;
      return entry;
    });
    const head = Buffer.from(index.join(' ') + '\n');
    packedNumbers.forEach(([number], i) => offsets.set(number, [2, next, i]));
    const dictionary = `/Type /ObjStm /N ${packedNumbers.length} /First ${head.length}`;
    write(next, { dictionary, stream: Buffer.concat([head, ...bodies]) });
    next++;
  }
  const trailer =
    `/Root ${CATALOG} 0 R ${spec.info === undefined ? '' : `/Info ${INFO} 0 R`} ` +
    (encryption ? `/Encrypt ${ENCRYPT} 0 R /ID [<${encryption.fileId}> <${encryption.fileId}>]` : '');
  const start = position;
  if (spec.objectStreams === true) {
    offsets.set(next, [1, position, 0]);
    const rows = Buffer.alloc((next + 1) * 7);
    for (const [number, [type, a, b]] of offsets) {
      rows.writeUInt8(type, number * 7);
      rows.writeUInt32BE(a, number * 7 + 1);
      rows.writeUInt16BE(b, number * 7 + 5);
    }
    write(next, { dictionary: `/Type /XRef /W [1 4 2] /Size ${next + 1} ${trailer}`, stream: rows }, true);
  } else {
    const rows = Array.from({ length: next }, (_, number) => {
      const offset = offsets.get(number)?.[1];
      return offset === undefined ? `0000000000 65535 f \n` : `${String(offset).padStart(10, '0')} 00000 n \n`;
    });
    parts.push(Buffer.from(`xref\n0 ${next}\n${rows.join('')}trailer\n<< /Size ${next} ${trailer} >>\n`));
  }
  parts.push(Buffer.from(`startxref\n${start}\n%%EOF\n`));
  return Buffer.concat(parts);
}
