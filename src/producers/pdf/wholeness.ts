/** Acrobat and pdf.js look for the header within this much. */
const HEADER_WITHIN = 1024;

/** What the bytes of a file say before anyone parses it. */
export type Wholeness = 'whole' | 'truncated' | 'no-pdf';

/**
 * A PDF ends with `%%EOF`. pdf.js mends a file that was cut off by looking for the objects that are left, and says
 * nothing of the pages that are gone: so such a file is told apart here. What follows the last `%%EOF` is none of the
 * document unless it holds objects: those of a later version of it that was cut off.
 */
export function wholenessOf(bytes: Buffer): Wholeness {
  if (bytes.subarray(0, HEADER_WITHIN).indexOf('%PDF-') < 0) return 'no-pdf';
  const end = bytes.lastIndexOf('%%EOF');
  // Some programs leave out the marker behind a whole cross-reference table.
  const tail = bytes.subarray(Math.max(0, end, bytes.length - HEADER_WITHIN)).toString('latin1');
  if (end < 0) return /startxref\s+\d+\s*$/.test(tail) ? 'whole' : 'truncated';
  const rest = bytes.subarray(end);
  return /^\d+ \d+ obj\b/m.test(rest.toString('latin1')) ? 'truncated' : 'whole';
}

/** Images are streams, and the dictionaries of streams are plain in every file. */
export function hasImages(bytes: Buffer): boolean {
  for (let at = bytes.indexOf('/Image'); at >= 0; at = bytes.indexOf('/Image', at + 1)) {
    if (/\/Subtype\s*\/Image[\s/>\[(<]$/.test(bytes.subarray(Math.max(0, at - 24), at + 7).toString('latin1')))
      return true;
  }
  return false;
}
