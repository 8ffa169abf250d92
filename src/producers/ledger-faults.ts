import type { Source, SourceFault, SourceItem } from './port.ts';

/** Keys of a ledger entry for a line that became a dead letter; no id begins with NUL. */
export const LINE_KEY_PREFIX = '\0line:';
/** How much of an item that is too large is kept. */
const SAMPLE_BYTES = 64 * 1024;

/** One fault has one key, run after run. A NUL is in no file's name. */
export function lineKey({ file, line, code }: SourceFault): string {
  return `${LINE_KEY_PREFIX}${file === undefined ? '' : `${file}\0`}${line}:${code}`;
}

/** Of a row of a table, which has no place that stays: what it says. */
export function rowKey({ code }: SourceFault, identity: Uint8Array): string {
  return `${LINE_KEY_PREFIX}${Buffer.from(identity).toString('hex')}:${code}`;
}

/** The key of its dead letter. */
export function letterKey({ name, isTable }: Source, { file, line }: SourceFault, identity: Uint8Array): string {
  if (isTable === true) return `${name}:${Buffer.from(identity).toString('hex').slice(0, 16)}`;
  return file === undefined ? `${name}:${line}` : `${name}/${file}:${line}`;
}

function placeOf(item: SourceItem, location: string): string {
  return `${location}${item.file === undefined ? '' : `/${item.file}`}:${item.line}`;
}

function fault(item: SourceItem, code: string, reason: string, raw = item.raw): SourceFault {
  const { line, file } = item;
  return {
    kind: 'fault',
    code,
    reason,
    line,
    ...(file !== undefined && { file }),
    raw: raw ?? Buffer.from(item.text ?? item.id),
  };
}

export function foreignFault(item: SourceItem, location: string, owner: string): SourceFault {
  const reason =
    `${placeOf(item, location)}: the id "${item.id}" was published by the source "${owner}", which keeps it. Make the ids ` +
    `differ, for example with --id='PREFIX-{COLUMN}', or say with --name=${owner} that this is the same source.`;
  return fault(item, 'ID_OF_ANOTHER_SOURCE', reason);
}

export function duplicateFault(item: SourceItem, location: string): SourceFault {
  const reason = `${placeOf(item, location)}: the id "${item.id}" was there before in this source; the first one is kept. Choose a unique column with --id.`;
  return fault(item, 'DUPLICATE_ID', reason);
}

export function tooLargeFault(item: SourceItem, location: string, bytes: number): SourceFault {
  const raw = (item.raw ?? Buffer.from(item.text ?? item.id)).subarray(0, SAMPLE_BYTES);
  const reason = `${placeOf(item, location)}: the record would have ${bytes} bytes, more than the log takes; the first ${raw.length} of the item are kept here. Leave something out with --metadata.`;
  return fault(item, 'RECORD_TOO_LARGE', reason, raw);
}
