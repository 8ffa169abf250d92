import { isUtf8 } from 'node:buffer';
import { messageOf } from '../../errors.ts';
import type { SourceFault, SourceItem } from '../port.ts';
import { exactText, parseExactly } from '../../record/exact-json.ts';
import type { LineStream } from './line-stream.ts';
import { type JsonObject, kindOf, ObjectMapper } from './object-mapper.ts';
import type { RecordPlan } from './record-plan.ts';

/** Turns the line that stands in a stream into an item or a fault. */
export class RecordMapper {
  readonly #stream: LineStream;
  readonly #objects: ObjectMapper;
  readonly #location: string;

  constructor(stream: LineStream, plan: RecordPlan, location: string) {
    this.#stream = stream;
    this.#objects = new ObjectMapper(plan, 'JSONL');
    this.#location = location;
  }

  /** `blank` for an empty line, `filtered` for what `where` leaves out. */
  map(): SourceItem | SourceFault | 'blank' | 'filtered' {
    const { window, from, end, isValid, line: number } = this.#stream;
    if (from === end) return 'blank';
    if (!isValid && !isUtf8(window.subarray(from, end)))
      return this.fault('JSONL_INVALID_UTF8', 'the line is not valid UTF-8; convert the file, or mend the line');
    const line = window.toString('utf8', from, end);
    let record: unknown;
    try {
      record = parseExactly(line);
    } catch (error) {
      if (line.trim() === '') return 'blank';
      return this.fault('JSONL_INVALID_JSON', `the line is no JSON: ${shortened(messageOf(error))}${adviceFor(line)}`);
    }
    if (typeof record !== 'object' || record === null || Array.isArray(record) || exactText(record) !== undefined)
      return this.fault('JSONL_NOT_AN_OBJECT', `the line is ${kindOf(record)}, not an object with fields`);
    const mapped = this.#objects.map(record as JsonObject);
    if (mapped === 'filtered') return mapped;
    if ('code' in mapped) return this.fault(mapped.code, mapped.what);
    return { kind: 'item', ...mapped, line: number, raw: window.subarray(from, end) };
  }

  /** A fault of the present line. */
  fault(code: string, what: string): SourceFault {
    const { window, from, end } = this.#stream;
    return this.faultWith(code, what, window.subarray(from, end));
  }

  faultWith(code: string, what: string, raw: Uint8Array): SourceFault {
    const { line } = this.#stream;
    return { kind: 'fault', code, reason: `${this.#location}:${line}: ${what}.`, line, raw };
  }
}

/** V8 quotes the text. */
function shortened(message: string): string {
  return message.length > 200 ? `${message.slice(0, 199)}…` : message;
}

function adviceFor(line: string): string {
  return /[:[,]\s*-?(?:NaN|Infinity)\b/.test(line) ? '; NaN and Infinity are not JSON: write null' : '';
}
