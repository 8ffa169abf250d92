import { open } from 'node:fs/promises';
import type { SourceFault, SourceFile } from '../port.ts';
import { readBytes } from '../files/file-chunks.ts';
import type { PdfProblem, PdfProblemCode } from './messages.ts';

/** A dead letter has to fit into one log record (8 MiB) with its headers. */
const MAX_RAW_BYTES = 8 * 1024 * 1024 - 64 * 1024;

/** What each is, in words, and what to do. */
const WORDS: Readonly<Record<PdfProblemCode, readonly [what: string, advice: string]>> = {
  PDF_ENCRYPTED: ['is encrypted', 'Save it without a password.'],
  PDF_EMPTY: ['is empty', 'Get the whole file.'],
  PDF_TRUNCATED: ['is cut off', 'Get the whole file.'],
  PDF_DAMAGED: ['is damaged', 'Get it anew, or let another program repair it.'],
  PDF_NOT_A_PDF: ['is no PDF', 'Check what it is.'],
  PDF_NO_PAGES: ['is empty', 'Get the whole document.'],
  PDF_ONLY_IMAGES: ['holds images only', 'Recognise its text first (OCR).'],
  PDF_NO_TEXT: ['has no text', 'If its letters are drawn, recognise them first (OCR).'],
  PDF_TOO_LARGE: ['is too large', 'Split it.'],
  PDF_TOO_MANY_PAGES: ['has too many pages', 'Split it.'],
  PDF_TOO_MUCH_TEXT: ['has too much text', 'Split it.'],
  PDF_TOO_MUCH_MEMORY: ['takes too much memory', 'Split it, or let another program rewrite it.'],
  PDF_TOO_SLOW: ['takes too long', 'Split it, or let another program rewrite it.'],
  PDF_READER_DIED: ['could not be read', 'Let another program rewrite it.'],
  PDF_PAGES_UNREADABLE: ['has pages that could not be read', 'Let another program repair it.'],
  PDF_NAME_TOO_LONG: ['has too long a name', 'Rename it: a record has its name in its id.'],
};

/** The fault of a file as a whole. Its bytes are read for it, the first 8 MB at most. */
export async function pdfFault(file: SourceFile, { code, detail }: PdfProblem): Promise<SourceFault> {
  const raw = await beginning(file);
  const [what, advice] = WORDS[code];
  const cut = raw.length < file.bytes ? ` Its first ${raw.length} of ${file.bytes} bytes are kept here.` : '';
  return {
    kind: 'fault',
    code,
    reason: `${file.location ?? file.path} ${what}: ${detail}. ${advice}${cut}`,
    line: 0,
    raw,
  };
}

async function beginning({ path, bytes }: SourceFile): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    return await readBytes(handle, 0, Math.min(bytes, MAX_RAW_BYTES));
  } finally {
    await handle.close();
  }
}
