import { deflateSync } from 'node:zlib';
import { extractText as bareExtractText, getResolvedPDFJS } from 'unpdf';
import { describe, expect, test } from 'vitest';
import { CharacterMaps } from '../../../src/producers/pdf/character-maps.ts';
import { DocumentProblem, extractText, type ExtractedDocument } from '../../../src/producers/pdf/extract-text.ts';
import type { PdfProblem } from '../../../src/producers/pdf/messages.ts';
import { FIRST_OWN_OBJECT, lines, makePdf, utf16, type PdfObject } from './make-pdf.ts';

const LIMITS = { maxPages: 1000, maxTextUnits: 1 << 24 };

/** Bytes that may be given away. */
function own(pdf: Uint8Array): Buffer<ArrayBuffer> {
  return Buffer.from(Uint8Array.from(pdf).buffer);
}

function extract(pdf: Uint8Array, limits = LIMITS): Promise<ExtractedDocument> {
  return extractText(own(pdf), limits, () => undefined);
}

async function problemOf(pdf: Uint8Array, limits = LIMITS): Promise<PdfProblem> {
  const error: unknown = await extract(pdf, limits).catch((thrown: unknown) => thrown);
  if (!(error instanceof DocumentProblem)) throw new Error(`no problem: ${JSON.stringify(error)}`);
  return error.problem;
}

/** A font whose codes mean what `map` says, as subsets embedded by typesetting programs do. */
function mappedFont(map: Readonly<Record<string, string>>): PdfObject[] {
  const entries = Object.entries(map).map(([code, text]) => {
    const hex = Buffer.from(text, 'utf16le').swap16().toString('hex');
    return `<${code.charCodeAt(0).toString(16).padStart(2, '0')}> <${hex}>`;
  });
  const cmap =
    '/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Ours def /CMapType 2 def\n' +
    `1 begincodespacerange <00> <ff> endcodespacerange\n${entries.length} beginbfchar\n${entries.join('\n')}\nendbfchar\n` +
    'endcmap CMapName currentdict /CMap defineresource pop end end';
  const widths = Array.from({ length: 256 }, () => 500).join(' ');
  return [
    {
      dictionary:
        `<< /Type /Font /Subtype /Type1 /BaseFont /ABCDEF+Ours /FirstChar 0 /LastChar 255 /Widths [${widths}] ` +
        `/ToUnicode ${FIRST_OWN_OBJECT + 1} 0 R /FontDescriptor ${FIRST_OWN_OBJECT + 2} 0 R >>`,
    },
    { dictionary: '', stream: Buffer.from(cmap) },
    {
      dictionary:
        '<< /Type /FontDescriptor /FontName /ABCDEF+Ours /Flags 4 /FontBBox [0 0 500 700] /ItalicAngle 0 /Ascent 700 ' +
        '/Descent -200 /CapHeight 700 /StemV 80 >>',
    },
  ];
}

/** A font of an Asian collection without a map of its own, as programs for Windows write it. */
function predefinedFont(encoding: string, ordering: string): PdfObject[] {
  return [
    {
      dictionary:
        `<< /Type /Font /Subtype /Type0 /BaseFont /Some /Encoding /${encoding} ` +
        `/DescendantFonts [${FIRST_OWN_OBJECT + 1} 0 R] >>`,
    },
    {
      dictionary:
        '<< /Type /Font /Subtype /CIDFontType0 /BaseFont /Some /DW 1000 ' +
        `/CIDSystemInfo << /Registry (Adobe) /Ordering (${ordering}) /Supplement 2 >> ` +
        `/FontDescriptor ${FIRST_OWN_OBJECT + 2} 0 R >>`,
    },
    {
      dictionary:
        '<< /Type /FontDescriptor /FontName /Some /Flags 4 /FontBBox [0 -200 1000 900] /ItalicAngle 0 /Ascent 800 ' +
        '/Descent -200 /CapHeight 700 /StemV 80 >>',
    },
  ];
}

const OURS = `/Font << /F2 ${FIRST_OWN_OBJECT} 0 R >>`;

describe('text comes out as pdf.js gives it', () => {
  const cases: Readonly<Record<string, { readonly pdf: Buffer; readonly text: string }>> = {
    'words hyphenated at the end of a line stay in two': {
      pdf: makePdf({ pages: [{ content: lines(['The measure-', 'ment of clay']) }] }),
      text: 'The measure-\nment of clay',
    },
    'ligatures become their letters': {
      pdf: makePdf({
        objects: mappedFont({ A: 'ffi', B: 'ﬂ', o: 'o', c: 'c', e: 'e', a: 'a', t: 't' }),
        pages: [{ content: lines(['oAce Boat'], { font: 'F2' }), resources: OURS }],
      }),
      text: 'office float',
    },
    'two columns are read in the order of the content, one after the other': {
      pdf: makePdf({
        pages: [
          {
            content:
              lines(['left one', 'left two']) +
              lines(['right one', 'right two'], { x: 330 }) +
              lines(['foot'], { y: 40 }),
          },
        ],
      }),
      text: 'left one\nleft two\nright one\nright two\nfoot',
    },
    'right-to-left text drawn from left to right comes in reading order': {
      pdf: makePdf({
        // "shalom olam", each word drawn with its last letter first, as such text lies on the page.
        objects: mappedFont({ A: 'ש', B: 'ל', C: 'ו', D: 'ם', E: 'ע' }),
        pages: [{ content: lines(['DBCE DCBA'], { font: 'F2' }), resources: OURS }],
      }),
      text: 'שלום עולם',
    },
    'object streams and packed content': {
      pdf: makePdf({ pages: [{ content: lines(['packed']) }], compress: true, objectStreams: true }),
      text: 'packed',
    },
    'RC4 with an empty password': {
      pdf: makePdf({ pages: [{ content: lines(['sealed']) }], encrypt: { method: 'rc4', userPassword: '' } }),
      text: 'sealed',
    },
    'AES-128 with an empty password': {
      pdf: makePdf({
        pages: [{ content: lines(['sealed']) }],
        compress: true,
        encrypt: { method: 'aes128', userPassword: '' },
      }),
      text: 'sealed',
    },
    'AES-256 with an empty password': {
      pdf: makePdf({
        pages: [{ content: lines(['sealed']) }],
        objectStreams: true,
        encrypt: { method: 'aes256', userPassword: '' },
      }),
      text: 'sealed',
    },
  };

  test.each(Object.entries(cases))('%s', async (_, { pdf, text }) => {
    const { pages } = await extract(pdf);
    expect(pages.map((page) => page.trim())).toEqual([text]);
    const bare = await bareExtractText(Uint8Array.from(pdf));
    expect(pages).toEqual(bare.text);
  });

  test('pages in order, empty ones among them', async () => {
    const pdf = makePdf({ pages: [{ content: lines(['one']) }, { content: '' }, { content: lines(['three']) }] });
    const { pages, facts } = await extract(pdf);
    expect(pages.map((page) => page.trim())).toEqual(['one', '', 'three']);
    expect(facts).toEqual({ pages: 3, unreadablePages: [] });
  });

  test('title, author and dates', async () => {
    const info =
      `/Title ${utf16('Über Gefäße — 陶器')} /Author ( A. Potter ) /CreationDate (D:20240229235959-05'30') ` +
      '/ModDate (not a date) /Producer (nobody)';
    const { facts } = await extract(makePdf({ pages: [{ content: lines(['x']) }], info, compress: true }));
    expect(facts).toEqual({
      pages: 1,
      unreadablePages: [],
      title: 'Über Gefäße — 陶器',
      author: 'A. Potter',
      created: '2024-03-01T05:29:59.000Z',
    });
  });

  test('a page that is broken leaves those before it, and is named', async () => {
    const pages = [{ content: lines(['one']) }, { content: lines(['two']) }, { content: lines(['three']) }];
    // pdf.js looks no further in a page tree than where it is broken.
    const { pages: texts, facts } = await extract(makePdf({ pages, kids: '16 0 R 99 0 R 20 0 R' }));
    expect(texts.map((text) => text.trim())).toEqual(['one', '']);
    expect(facts).toEqual({ pages: 2, unreadablePages: [2], pageFault: expect.stringMatching(/\w/) as string });
  });
});

describe('a document that yields nothing says why', () => {
  const page = { content: lines(['some text']) };
  const image = (filter: string, data: Buffer): PdfObject => ({
    dictionary: `/Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8 ${filter}`,
    stream: data,
  });

  test.each(['rc4', 'aes128', 'aes256'] as const)('encrypted with a password: %s', async (method) => {
    const pdf = makePdf({ pages: [page], encrypt: { method, userPassword: 'secret' } });
    expect((await problemOf(pdf)).code).toBe('PDF_ENCRYPTED');
  });

  test('images only', async () => {
    const pdf = makePdf({
      objects: [image('/Filter /FlateDecode', deflateSync(Buffer.from([128])))],
      pages: [{ content: 'q 612 0 0 792 0 0 cm /Im0 Do Q', resources: `/XObject << /Im0 ${FIRST_OWN_OBJECT} 0 R >>` }],
      objectStreams: true,
    });
    expect(await problemOf(pdf)).toEqual({ code: 'PDF_ONLY_IMAGES', detail: 'its page has images and no text' });
  });

  test('images beside text are no problem', async () => {
    const pdf = makePdf({
      objects: [image('', Buffer.from([128]))],
      pages: [{ content: `/Im0 Do ${lines(['caption'])}`, resources: `/XObject << /Im0 ${FIRST_OWN_OBJECT} 0 R >>` }],
    });
    expect((await extract(pdf)).pages.join().trim()).toBe('caption');
  });

  test('empty pages', async () => {
    const pdf = makePdf({ pages: [{ content: '' }, { content: lines([' ']) }] });
    expect(await problemOf(pdf)).toEqual({ code: 'PDF_NO_TEXT', detail: 'its 2 pages have no text' });
  });

  test('no pages', async () => {
    expect((await problemOf(makePdf({ pages: [] }))).code).toMatch(/^PDF_(NO_PAGES|DAMAGED)$/);
  });

  test('something else under the name', async () => {
    expect((await problemOf(Buffer.from('<html>not found</html>'))).code).toBe('PDF_NOT_A_PDF');
  });

  test('rubbish behind a header', async () => {
    expect((await problemOf(Buffer.from('%PDF-1.7\nrubbish\n%%EOF\n'))).code).toBe('PDF_DAMAGED');
  });

  test('more pages or text than the limit', async () => {
    const pdf = makePdf({ pages: [page, page, page] });
    expect(await problemOf(pdf, { ...LIMITS, maxPages: 2 })).toEqual({
      code: 'PDF_TOO_MANY_PAGES',
      detail: 'it has 3 pages, 2 are the limit',
    });
    expect(await problemOf(pdf, { ...LIMITS, maxTextUnits: 15 })).toEqual({
      code: 'PDF_TOO_MUCH_TEXT',
      detail: 'its first 2 pages have more than 15 characters',
    });
  });

  test.each([
    ['plain', {}],
    ['packed', { compress: true, objectStreams: true }],
  ])('cut off anywhere: %s', async (_, how) => {
    const pdf = makePdf({ pages: Array.from({ length: 5 }, () => page), ...how });
    for (let part = 1; part < 16; part++) {
      const cut = pdf.subarray(0, Math.floor((pdf.length * part) / 16));
      expect((await problemOf(cut)).code, `${part}/16`).toBe('PDF_TRUNCATED');
    }
    expect((await problemOf(pdf.subarray(0, -3))).code, 'in its last marker').toBe('PDF_TRUNCATED');
  });
});

describe('fonts with predefined character maps, which the document does not carry', () => {
  // "Library" in the four collections, in encodings of Windows, and one that takes UTF-16.
  test.each([
    ['90ms-RKSJ-H', 'Japan1', '907d8f918ad9', '図書館'],
    ['90ms-RKSJ-V', 'Japan1', '907d8f918ad9', '図書館'],
    ['UniJIS-UTF16-H', 'Japan1', '56f366f89928', '図書館'],
    ['GBK-EUC-H', 'GB1', 'cdbccae9b9dd', '图书馆'],
    ['ETen-B5-H', 'CNS1', 'b9cfaed1c05d', '圖書館'],
    ['KSCms-UHC-H', 'Korea1', 'b5b5bcadb0fc', '도서관'],
  ])('%s', async (encoding, ordering, codes, text) => {
    const content = `BT /F2 12 Tf 72 720 Td <${codes}> Tj ET`;
    const pdf = makePdf({ objects: predefinedFont(encoding, ordering), pages: [{ content, resources: OURS }] });
    const { pages } = await extract(pdf);
    // A vertical font's letters come as lines.
    expect(pages.map((page) => page.replaceAll(/\s/g, ''))).toEqual([text]);
  });

  test('cmaps/ was taken from the version of pdf.js that reads it; NOTICE says so, too', async () => {
    const { version } = await getResolvedPDFJS();
    expect(version).toBe('6.1.200');
  });

  test('a map that is missing here is no fault of the document', async () => {
    const content = 'BT /F2 12 Tf 72 720 Td <907d8f918ad9> Tj ET';
    const pdf = makePdf({
      objects: predefinedFont('90ms-RKSJ-H', 'Japan1'),
      pages: [{ content, resources: OURS }],
    });
    const maps = new CharacterMaps(new URL('nowhere/', import.meta.url));
    const extracting = extractText(own(pdf), LIMITS, () => undefined, maps);
    await expect(extracting).rejects.toThrow(/90ms-RKSJ-H.* is missing .*install again/);
    await expect(extracting).rejects.not.toBeInstanceOf(DocumentProblem);
  });
});
