import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { poisonError } from '../../src/errors.ts';
import { readHead } from '../../src/producers/files/file-head.ts';
import type { FileFormat, SourceBatch, SourceFault, SourceFile, SourceItem } from '../../src/producers/port.ts';
import type { RecordId } from '../../src/record/types.ts';

const SEPARATOR = '\n---\n';

/** Notes with `---` between them, each with its title in the first line. */
export const notesFormat: FileFormat = {
  name: 'notes',
  sniff: (_, name) => (extname(name).toLowerCase() === '.notes' ? 'likely' : 'no'),
  async open(file) {
    const { bytes } = await readHead(file.path);
    if (bytes.includes(0)) throw poisonError('NOTES_BINARY', 'the file holds NUL bytes, so it is no text');
    return { description: { notes: 'with --- between them' }, read: () => batches(file) };
  },
};

async function* batches(file: SourceFile): AsyncGenerator<SourceBatch> {
  const notes = (await readFile(file.path, 'utf8')).split(SEPARATOR);
  let line = 1;
  const items = notes.map((note, index) => {
    const item = itemOf(file, note, index + 1, line);
    line += note.split('\n').length + 1;
    return item;
  });
  yield {
    items,
    filtered: 0,
    bytesRead: file.bytes,
    // Notes that an earlier, longer version of the file had are deleted.
    numbered: [{ prefix: `${file.name}#`, count: notes.length }],
  };
}

function itemOf(file: SourceFile, note: string, chunk: number, line: number): SourceItem | SourceFault {
  const raw = Buffer.from(note);
  const [title = '', ...text] = note.split('\n');
  if (text.join('').trim() === '') {
    const reason = `${file.location ?? file.path}:${line}: the note "${title}" has no text. Write some, or delete it.`;
    return { kind: 'fault', code: 'NOTES_NO_TEXT', reason, line, raw };
  }
  const id = `${file.name}#${chunk}` as RecordId;
  return { kind: 'item', id, text: text.join('\n').trim(), metadata: new Map([['title', title]]), chunk, line, raw };
}
