import { extname } from 'node:path';
import { withImages } from '../image/attach-images.ts';
import type { FileFormat, FormatOptions, OpenFile, SourceFile } from '../port.ts';
import { openCsvSource } from './csv-source.ts';
import type { CsvSourceOptions } from './options.ts';

const EXTENSIONS = ['.csv', '.tsv', '.tab'];

/** Tables as text. Any text may be one, so only the name tells; a file that the user names is one if it is nothing else. */
export const csvFormat: FileFormat = {
  name: 'csv',
  sniff: (_, name) => (EXTENSIONS.includes(extname(name).toLowerCase()) ? 'likely' : 'no'),
  open: openCsv,
};

async function openCsv({ path, location }: SourceFile, options: FormatOptions): Promise<OpenFile> {
  const source = await openCsvSource({ ...csvOptions(path, options), ...(location !== undefined && { location }) });
  const { image } = source;
  return image === undefined ? source : withImages(source, image, options, source.location);
}

function csvOptions(path: string, options: FormatOptions): CsvSourceOptions {
  const { id, text, image, imagesDir, imageUrl, metadata, delimiter, encoding, where, preset } = options;
  return {
    path,
    ...(id !== undefined && { id }),
    ...(text !== undefined && { text }),
    ...(image !== undefined && { image }),
    ...(imagesDir !== undefined && { imagesDir }),
    ...(imageUrl !== undefined && { imageUrl }),
    ...(metadata !== undefined && { metadata }),
    ...(delimiter !== undefined && { delimiter }),
    ...(encoding !== undefined && { encoding }),
    ...(where !== undefined && { where }),
    ...(preset !== undefined && { preset: preset as 'auto' }),
  };
}
