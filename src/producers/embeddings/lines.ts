const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** Longest line that is read: its JSON, its text and its vector lie in memory together. */
export const MAX_LINE_BYTES = 16 * 1024 * 1024;

export interface Line {
  /** Without its end. Of a line that is too long, the first bytes. */
  readonly bytes: Buffer;
  /** 1-based. */
  readonly number: number;
  readonly isTooLong: boolean;
}

/** Lines of a stream, all that a chunk completes at once; blank ones are counted and left out. */
export async function* splitLines(
  chunks: AsyncIterable<Buffer>,
  maxBytes = MAX_LINE_BYTES,
): AsyncGenerator<readonly Line[]> {
  let number = 0;
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let isFirst = true;
  const take = (last: Buffer): Line | undefined => {
    number++;
    const isTooLong = pendingBytes + last.length > maxBytes;
    const whole = pending.length === 0 ? last : Buffer.concat([...pending, last]);
    pending = [];
    pendingBytes = 0;
    const bytes = whole.at(-1) === CARRIAGE_RETURN ? whole.subarray(0, -1) : whole;
    return isBlank(bytes) ? undefined : { bytes: bytes.subarray(0, maxBytes), number, isTooLong };
  };
  for await (const chunk of chunks) {
    const lines: Line[] = [];
    let start = isFirst && chunk.subarray(0, 3).equals(BOM) ? BOM.length : 0;
    isFirst = false;
    for (let end = chunk.indexOf(NEWLINE, start); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const line = take(chunk.subarray(start, end));
      if (line !== undefined) lines.push(line);
      start = end + 1;
    }
    const rest = chunk.subarray(start);
    // What lies beyond the limit is only counted.
    if (pendingBytes <= maxBytes && rest.length > 0) pending.push(rest);
    pendingBytes += rest.length;
    if (lines.length > 0) yield lines;
  }
  if (pendingBytes > 0) {
    const line = take(Buffer.alloc(0));
    if (line !== undefined) yield [line];
  }
}

const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

function isBlank(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte !== 0x20 && byte !== 0x09) return false;
  return true;
}
