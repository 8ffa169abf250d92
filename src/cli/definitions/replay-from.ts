import { z } from 'zod';

/** Where a replay begins: everywhere at the start, at offsets, or at a time. */
export type ReplayFrom =
  | { readonly kind: 'earliest' }
  /** Of the only partition. */
  | { readonly kind: 'offset'; readonly offset: number }
  /** Next offset by partition; partitions that are not named stay as they are. */
  | { readonly kind: 'offsets'; readonly offsets: ReadonlyMap<number, number> }
  /** Milliseconds since the epoch. */
  | { readonly kind: 'time'; readonly timestampMs: number };

const ISO_TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/;
const PARTITION_OFFSETS = /^\d+:\d+(?:,\d+:\d+)*$/;
const HOW =
  'must be earliest, an offset (1500), offsets by partition (0:1500,1:900), or a time ' +
  '(2026-11-21, 2026-11-21T08:00:00Z, @1795248000000)';

/** Undefined when the text is none of these. */
export function parseReplayFrom(text: string): ReplayFrom | undefined {
  if (text === 'earliest') return { kind: 'earliest' };
  if (/^\d+$/.test(text)) return safely([Number(text)]) && { kind: 'offset', offset: Number(text) };
  if (/^@\d+$/.test(text))
    return safely([Number(text.slice(1))]) && { kind: 'time', timestampMs: Number(text.slice(1)) };
  if (ISO_TIME.test(text)) {
    const timestampMs = Date.parse(text);
    return Number.isNaN(timestampMs) ? undefined : { kind: 'time', timestampMs };
  }
  return PARTITION_OFFSETS.test(text) ? offsetsOf(text) : undefined;
}

/** A partition that is named twice could mean either. */
function offsetsOf(text: string): ReplayFrom | undefined {
  const pairs = text.split(',').map((pair): [number, number] => {
    const [partition = '', offset = ''] = pair.split(':');
    return [Number(partition), Number(offset)];
  });
  const offsets = new Map(pairs);
  return offsets.size === pairs.length ? safely(pairs.flat()) && { kind: 'offsets', offsets } : undefined;
}

function safely(numbers: readonly number[]): true | undefined {
  return numbers.every(Number.isSafeInteger) ? true : undefined;
}

/** `--from` of `replay`. */
export const replayFrom = z.string().transform((text, context): ReplayFrom => {
  const from = parseReplayFrom(text);
  if (from !== undefined) return from;
  context.addIssue({ code: 'custom', message: HOW });
  return z.NEVER;
});
