/** What goes between the process that runs the pipeline and those that read PDFs. */

export type SplitMode = 'page' | 'recursive' | 'token';

export interface SplitSettings {
  readonly mode: SplitMode;
  /** UTF-16 units, or tokens where `mode` is `token`. */
  readonly chunkSize: number;
  readonly chunkOverlap: number;
  /** Where `mode` is `token`. */
  readonly tokenizer?: { readonly path: string; readonly configPath: string };
}

export interface ReadRequest {
  readonly kind: 'read';
  readonly path: string;
  readonly maxFileBytes: number;
  readonly maxPages: number;
  /** UTF-16 units in all pages together. */
  readonly maxTextUnits: number;
  readonly split: SplitSettings;
}

/** A batch of chunks was taken: another may be sent. */
export interface MoreRequest {
  readonly kind: 'more';
}

export type ReaderRequest = ReadRequest | MoreRequest;

export interface DocumentFacts {
  readonly pages: number;
  readonly chunks: number;
  /** 1-based; pdf.js could not read them, the rest of the document was read. */
  readonly unreadablePages: readonly number[];
  /** The first of their faults, in pdf.js' words. */
  readonly pageFault?: string;
  /** From the document: title, author; ISO 8601 dates. */
  readonly title?: string;
  readonly author?: string;
  readonly created?: string;
  readonly modified?: string;
}

/** Pages are 1-based; `lastPage` is another than `page` where the chunk runs over. */
export type Chunk = readonly [text: string, page: number, lastPage: number];

/** Why a file yields nothing. Codes are those of the dead letters. */
export type PdfProblemCode =
  | 'PDF_ENCRYPTED'
  | 'PDF_EMPTY'
  | 'PDF_TRUNCATED'
  | 'PDF_DAMAGED'
  | 'PDF_NOT_A_PDF'
  | 'PDF_NO_PAGES'
  | 'PDF_ONLY_IMAGES'
  | 'PDF_NO_TEXT'
  | 'PDF_TOO_LARGE'
  | 'PDF_TOO_MANY_PAGES'
  | 'PDF_TOO_MUCH_TEXT'
  | 'PDF_TOO_MUCH_MEMORY'
  | 'PDF_TOO_SLOW'
  | 'PDF_READER_DIED'
  | 'PDF_PAGES_UNREADABLE'
  | 'PDF_NAME_TOO_LONG';

export interface PdfProblem {
  readonly code: PdfProblemCode;
  /** What there is to say beyond the code: pages, sizes, pdf.js' own words. */
  readonly detail: string;
}

export type ReaderReply =
  | { readonly kind: 'ready' }
  /** Still at it: sent now and then, so that who waits knows. */
  | { readonly kind: 'progress' }
  /** The document is read and split; its chunks follow. Time no longer counts. */
  | { readonly kind: 'document'; readonly facts: DocumentFacts }
  | { readonly kind: 'chunks'; readonly chunks: readonly Chunk[] }
  /** `rssBytes`: of the process, so that one that has grown can be replaced. */
  | { readonly kind: 'done'; readonly rssBytes: number }
  | { readonly kind: 'problem'; readonly problem: PdfProblem; readonly rssBytes: number }
  /** The file could not be read from the disk. */
  | { readonly kind: 'failed'; readonly reason: string };
