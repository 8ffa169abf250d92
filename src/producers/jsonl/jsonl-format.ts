import { extname } from 'node:path';
import type { FileFormat } from '../port.ts';
import { openJsonl } from './jsonl-source.ts';

const EXTENSIONS = ['.jsonl', '.ndjson', '.jsonlines', '.ldjson'];

/** JSON lines: one object a line. */
export const jsonlFormat: FileFormat = {
  name: 'jsonl',
  sniff: (head, name) => {
    if (startsWithObjectLine(head)) return 'certain';
    return EXTENSIONS.includes(extname(name).toLowerCase()) ? 'likely' : 'no';
  },
  open: openJsonl,
  unpacks: true,
};

/** A first line that is a whole JSON object: a document of one object over several lines is none. */
function startsWithObjectLine(head: Uint8Array): boolean {
  const text = new TextDecoder().decode(head).trimStart();
  if (!text.startsWith('{')) return false;
  const [line = ''] = text.split('\n', 1);
  try {
    return typeof JSON.parse(line) === 'object';
  } catch {
    // Also a line that is longer than the head: the name has to say it then.
    return false;
  }
}
