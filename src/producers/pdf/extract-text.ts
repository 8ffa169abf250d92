import { getResolvedPDFJS } from 'unpdf';
import { messageOf } from '../../errors.ts';
import { CharacterMaps } from './character-maps.ts';
import type { DocumentFacts, PdfProblem, PdfProblemCode, ReadRequest } from './messages.ts';
import { hasImages, wholenessOf } from './wholeness.ts';

const MAX_FIELD_UNITS = 1000;

export interface ExtractedDocument {
  /** Text of each page as pdf.js gives it, a line a line. Empty for a page that could not be read. */
  readonly pages: readonly string[];
  readonly facts: Omit<DocumentFacts, 'chunks'>;
}

export type ExtractLimits = Pick<ReadRequest, 'maxPages' | 'maxTextUnits'>;

/** Thrown for a document that yields nothing. */
export class DocumentProblem extends Error {
  readonly problem: PdfProblem;

  constructor(code: PdfProblemCode, detail: string) {
    super(detail);
    this.problem = { code, detail };
  }
}

type PdfJs = Awaited<ReturnType<typeof getResolvedPDFJS>>;
type PdfDocument = Awaited<ReturnType<PdfJs['getDocument']>['promise']>;

/**
 * The text of a PDF, page by page. The bytes are given away: pdf.js takes their memory.
 *
 * @throws DocumentProblem, and another error where the character maps of this installation can't be read
 */
export async function extractText(
  bytes: Buffer<ArrayBuffer>,
  limits: ExtractLimits,
  onPage: () => void,
  maps = new CharacterMaps(),
): Promise<ExtractedDocument> {
  if (bytes.length === 0) throw new DocumentProblem('PDF_EMPTY', 'it has no bytes');
  const wholeness = wholenessOf(bytes);
  if (wholeness === 'no-pdf') throw new DocumentProblem('PDF_NOT_A_PDF', 'its first 1,024 bytes have no %PDF header');
  if (wholeness === 'truncated')
    throw new DocumentProblem('PDF_TRUNCATED', `it ends after ${bytes.length} bytes without the end of a PDF`);
  const withImages = hasImages(bytes);
  const pdfjs = await getResolvedPDFJS();
  // As unpdf opens a document, but silent: what matters is said by what comes back.
  const loading = pdfjs.getDocument({
    ...maps.settings,
    data: new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length),
    useSystemFonts: true,
    verbosity: pdfjs.VerbosityLevel.ERRORS,
  });
  try {
    const document = await readPages(await loading.promise, pdfjs, limits, withImages, onPage);
    maps.refuseMissing();
    return document;
  } catch (error) {
    maps.refuseMissing();
    throw problemOf(error);
  } finally {
    await loading.destroy();
  }
}

async function readPages(
  document: PdfDocument,
  pdfjs: PdfJs,
  { maxPages, maxTextUnits }: ExtractLimits,
  withImages: boolean,
  onPage: () => void,
): Promise<ExtractedDocument> {
  const { numPages } = document;
  if (numPages === 0) throw new DocumentProblem('PDF_NO_PAGES', 'it has no page');
  if (numPages > maxPages)
    throw new DocumentProblem('PDF_TOO_MANY_PAGES', `it has ${numPages} pages, ${maxPages} are the limit`);
  const pages: string[] = [];
  const unreadablePages: number[] = [];
  let pageFault: string | undefined;
  let units = 0;
  for (let number = 1; number <= numPages; number++) {
    let text = '';
    try {
      text = await pageText(document, number);
    } catch (error) {
      unreadablePages.push(number);
      pageFault ??= messageOf(error);
    }
    units += text.length;
    if (units > maxTextUnits)
      throw new DocumentProblem(
        'PDF_TOO_MUCH_TEXT',
        `its first ${number} pages have more than ${maxTextUnits} characters`,
      );
    pages.push(text);
    onPage();
  }
  if (unreadablePages.length === numPages) throw new DocumentProblem('PDF_DAMAGED', pageFault ?? '');
  if (pages.every((text) => text.trim() === '')) throw withoutText(numPages, withImages);
  const description = await describe(document, pdfjs);
  return {
    pages,
    facts: { pages: numPages, unreadablePages, ...(pageFault !== undefined && { pageFault }), ...description },
  };
}

async function pageText(document: PdfDocument, number: number): Promise<string> {
  const page = await document.getPage(number);
  const { items } = await page.getTextContent();
  let text = '';
  for (const item of items) if ('str' in item) text += item.hasEOL ? `${item.str}\n` : item.str;
  // Fonts and the page's objects, which would pile up over thousands of pages.
  page.cleanup();
  // A broken font may yield halves of characters, which no encoding has.
  return text.toWellFormed();
}

function withoutText(pages: number, withImages: boolean): DocumentProblem {
  const count = pages === 1 ? 'its page has' : `its ${pages} pages have`;
  return withImages
    ? new DocumentProblem('PDF_ONLY_IMAGES', `${count} images and no text`)
    : new DocumentProblem('PDF_NO_TEXT', `${count} no text`);
}

/** Everything that pdf.js throws is the document's fault: it does nothing else than read it. */
function problemOf(error: unknown): DocumentProblem {
  if (error instanceof DocumentProblem) return error;
  if (error instanceof RangeError && /allocation|array( buffer)? length/i.test(error.message))
    return new DocumentProblem('PDF_TOO_MUCH_MEMORY', messageOf(error));
  const name = error instanceof Error ? error.name : '';
  if (name === 'PasswordException') return new DocumentProblem('PDF_ENCRYPTED', 'it opens with a password only');
  return new DocumentProblem('PDF_DAMAGED', messageOf(error));
}

type Description = Pick<DocumentFacts, 'title' | 'author' | 'created' | 'modified'>;

async function describe(document: PdfDocument, pdfjs: PdfJs): Promise<Description> {
  let info: Readonly<Record<string, unknown>>;
  try {
    info = Object.fromEntries(Object.entries((await document.getMetadata()).info));
  } catch {
    return {}; // Metadata that can't be read is metadata the document does not have; its text stands.
  }
  const found = {
    title: textField(info['Title']),
    author: textField(info['Author']),
    created: dateField(pdfjs, info['CreationDate']),
    modified: dateField(pdfjs, info['ModDate']),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

function textField(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.replaceAll('\0', '').trim().slice(0, MAX_FIELD_UNITS).toWellFormed();
  return text === '' ? undefined : text;
}

function dateField(pdfjs: PdfJs, value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const date = pdfjs.PDFDateString.toDateObject(value);
  return date === null || Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
