import { poisonError } from '../../errors.ts';
import type { MetadataValue } from '../../record/types.ts';
import { exactText } from '../../record/exact-json.ts';

/** Objects that lie deeper are written as JSON. */
const MAX_DEPTH = 16;
/** Names repeat those of the objects around them: a small line could make names without end. */
const MAX_NAME_CHARACTERS = 1024 * 1024;

const MIN_LONG = -(2n ** 63n);
const MAX_LONG = 2n ** 63n - 1n;

/** Puts fields of a JSON value into a flat map, objects within it under dotted names. */
export class Flattener {
  readonly #leaveOut: ReadonlySet<string>;
  #target = new Map<string, MetadataValue>();
  #nameCharacters = 0;

  constructor(leaveOut: ReadonlySet<string>) {
    this.#leaveOut = leaveOut;
  }

  begin(target: Map<string, MetadataValue>): void {
    this.#target = target;
    this.#nameCharacters = 0;
  }

  add(name: string, value: unknown, depth = 1): void {
    if (this.#leaveOut.has(name)) return;
    if (typeof value === 'object' && value !== null && isPlainObject(value) && depth <= MAX_DEPTH) {
      const keys = Object.keys(value);
      for (const key of keys) this.add(`${name}.${key}`, (value as Record<string, unknown>)[key], depth + 1);
      if (keys.length > 0) return;
    }
    this.#nameCharacters += name.length;
    if (this.#nameCharacters > MAX_NAME_CHARACTERS)
      throw poisonError(
        'JSONL_TOO_MANY_FIELDS',
        `the names of its fields have more than ${MAX_NAME_CHARACTERS} characters`,
      );
    this.#target.set(wellFormed(name), metadataValue(value));
  }
}

function isPlainObject(value: object): boolean {
  return !Array.isArray(value) && exactText(value) === undefined;
}

/** A scalar as it is, everything else as JSON. */
function metadataValue(value: unknown): MetadataValue {
  if (typeof value === 'string') return wellFormed(value);
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  const digits = exactText(value);
  return digits === undefined ? jsonText(value) : exactNumber(digits);
}

/** A long where it is one; a double where it was written as one and is; otherwise as text, so that no digit is lost. */
function exactNumber(digits: string): MetadataValue {
  if (/^-?\d+$/.test(digits)) {
    // Longer than any long: making a number of a million digits takes seconds.
    if (digits.length > 20) return digits;
    const whole = BigInt(digits);
    return whole >= MIN_LONG && whole <= MAX_LONG ? whole : digits;
  }
  const double = Number(digits);
  return Number.isFinite(double) ? double : digits;
}

/** The value in a text: empty for what is missing or null, entries of a list with commas between, objects as JSON. */
export function fieldText(value: unknown): string {
  if (typeof value === 'string') return wellFormed(value);
  if (value === undefined || value === null) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const digits = exactText(value);
  if (digits !== undefined) return digits;
  if (Array.isArray(value) && value.every((entry) => typeof entry !== 'object' || entry === null))
    return value
      .map(fieldText)
      .filter((entry) => entry !== '')
      .join(', ');
  return jsonText(value);
}

function jsonText(value: unknown): string {
  return wellFormed(JSON.stringify(value));
}

/** Half a surrogate pair, which only an escape (`\ud800`) can make, is not UTF-8: it becomes U+FFFD, as in any encoder. */
function wellFormed(text: string): string {
  return text.isWellFormed() ? text : text.toWellFormed();
}
