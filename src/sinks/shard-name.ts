/** A shard is named `<topic>+<partition>+<first offset>-<last offset>`; offsets have 20 digits, so names sort by offset. */

const OFFSET_DIGITS = 20;
const PATTERN = /^([a-zA-Z0-9._-]+)\+(0|[1-9]\d{0,9})\+(\d{20})-(\d{20})$/;
const UNSAFE = /[^a-zA-Z0-9._-]+/g;
const MAX_FOLDER_LENGTH = 150;

export interface ShardRange {
  readonly topic: string;
  readonly partition: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
}

export function formatShardName(range: ShardRange): string {
  const offset = (value: number): string => String(value).padStart(OFFSET_DIGITS, '0');
  return `${partitionPrefix(range.topic, range.partition)}+${offset(range.firstOffset)}-${offset(range.lastOffset)}`;
}

/** What the names of all shards of one partition begin with, before the next `+`. */
export function partitionPrefix(topic: string, partition: number): string {
  return `${topic}+${partition}`;
}

/** undefined: not the name of a shard. */
export function parseShardName(name: string): ShardRange | undefined {
  const match = PATTERN.exec(name);
  if (match === null) return undefined;
  const [, topic = '', partition, first, last] = match;
  const range = { topic, partition: Number(partition), firstOffset: Number(first), lastOffset: Number(last) };
  const valid = Number.isSafeInteger(range.lastOffset) && range.firstOffset <= range.lastOffset;
  return valid ? range : undefined;
}

/** A model's name (`org/model`) as one folder name that is no hidden or parent folder. */
export function folderSegment(name: string): string {
  const safe = name.replace(UNSAFE, '-').replace(/^\.+/, '-').slice(0, MAX_FOLDER_LENGTH);
  return safe === '' ? '-' : safe;
}
