import type { Codec } from '../../codec/port.ts';
import { failureOutcome } from '../../errors.ts';
import type { SourceRecord } from '../../record/types.ts';

/** A dead letter's value, whole: the record it holds, or the bytes as text where they are text, or as base64. */
export type LetterValue =
  | { readonly form: 'record'; readonly record: SourceRecord }
  | { readonly form: 'text'; readonly text: string }
  | { readonly form: 'base64'; readonly base64: string }
  | { readonly form: 'none' };

export function describeValue(codec: Pick<Codec, 'decodeSourceRecord'>, value: Uint8Array | null): LetterValue {
  if (value === null) return { form: 'none' };
  try {
    return { form: 'record', record: codec.decodeSourceRecord(value) };
  } catch (error) {
    if (failureOutcome(error) !== 'dead-letter') throw error;
  }
  const text = textOf(value);
  return text === undefined
    ? { form: 'base64', base64: Buffer.from(value).toString('base64') }
    : { form: 'text', text };
}

/** undefined: not UTF-8, or with control characters that would not survive being shown. */
function textOf(value: Uint8Array): string | undefined {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value);
  } catch {
    // Not UTF-8 is an answer here, not a fault.
    return undefined;
  }
  return /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(text) ? undefined : text;
}
