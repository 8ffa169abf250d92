import { extname } from 'node:path';
import type { FileFormat, FormatOptions } from '../port.ts';
import { openCsvSource } from './csv-source.ts';
import type { CsvSourceOptions } from './options.ts';

const EXTENSIONS = ['.csv', '.tsv', '.tab'];

/** Tables as text. Any text may be one, so only the name tells; a file that the user names is one if it is nothing else. */
export const csvFormat: FileFormat = {
  name: 'csv',
  sniff: (_, name) => (EXTENSIONS.includes(extname(name).toLowerCase()) ? 'likely' : 'no'),
  open: ({ path, location }, options) =>
    openCsvSource({ ...csvOptions(path, options), ...(location !== undefined && { location }) }),
};

function csvOptions(path: string, options: FormatOptions): CsvSourceOptions {
  const { id, text, metadata, delimiter, encoding, where, preset } = options;
  return {
    path,
    ...(id !== undefined && { id }),
    ...(text !== undefined && { text }),
    ...(metadata !== undefined && { metadata }),
    ...(delimiter !== undefined && { delimiter }),
    ...(encoding !== undefined && { encoding }),
    ...(where !== undefined && { where }),
    ...(preset !== undefined && { preset: preset as 'auto' }),
  };
}
