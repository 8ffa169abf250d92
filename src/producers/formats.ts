import { csvFormat } from './csv/csv-format.ts';
import { imageFileFormat } from './image/image-format.ts';
import { jsonlFormat } from './jsonl/jsonl-format.ts';
import { pdfFormat } from './pdf/pdf-format.ts';
import type { FileFormat, Likelihood } from './port.ts';

/** Every kind of file that can be a source. Among several that a name fits, the first counts. */
export const formats: readonly FileFormat[] = [csvFormat, jsonlFormat, pdfFormat, imageFileFormat];

/** What a file that the user names is taken for when nothing tells: any text may be a table. */
export const fallbackFormat: FileFormat = csvFormat;

/** The format that is certain by the file's bytes; otherwise the one that its name says; otherwise undefined. */
export function formatOf(head: Uint8Array, name: string, among: readonly FileFormat[]): FileFormat | undefined {
  const sniffed = among.map((format) => ({ format, likelihood: format.sniff(head, name) }));
  const best = (wanted: Likelihood): FileFormat | undefined =>
    sniffed.find(({ likelihood }) => likelihood === wanted)?.format;
  return best('certain') ?? best('likely');
}
