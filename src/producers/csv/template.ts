import { UsageError } from '../../errors.ts';

/** A template's pieces in order: text, and the columns in braces. `{{` and `}}` are literal braces. */
export type TemplateToken = string | { readonly column: number };

/** Throws a `UsageError` for an open brace that is not closed, and whatever `resolve` throws for a name. */
export function parseTemplate(template: string, resolve: (name: string) => number): TemplateToken[] {
  const tokens: TemplateToken[] = [];
  let literal = '';
  for (let at = 0; at < template.length;) {
    const character = template[at] ?? '';
    if ((character === '{' || character === '}') && template[at + 1] === character) {
      literal += character;
      at += 2;
    } else if (character === '{') {
      const close = template.indexOf('}', at);
      if (close < 0) throw new UsageError(`The template "${template}" has a { without }. Write {{ for the character.`);
      if (literal !== '') tokens.push(literal);
      literal = '';
      tokens.push({ column: resolve(template.slice(at + 1, close)) });
      at = close + 1;
    } else {
      literal += character;
      at++;
    }
  }
  if (literal !== '') tokens.push(literal);
  return tokens;
}

/** Tokens of columns with one separator between them. */
export function joinColumns(columns: readonly number[], separator: string): TemplateToken[] {
  return columns.flatMap((column, index) => (index === 0 ? [{ column }] : [separator, { column }]));
}

export function templateColumns(tokens: readonly TemplateToken[]): number[] {
  return tokens.flatMap((token) => (typeof token === 'string' ? [] : [token.column]));
}

/** The template as a user would write it. */
export function formatTemplate(tokens: readonly TemplateToken[], names: readonly string[]): string {
  const escape = (text: string): string => text.replaceAll('{', '{{').replaceAll('}', '}}');
  return tokens.map((token) => (typeof token === 'string' ? escape(token) : `{${names[token.column] ?? ''}}`)).join('');
}

export interface TextTemplateOptions {
  /** A value that came before in the same text vanishes too. */
  readonly dropRepeats?: boolean;
  /** Columns whose values are lists with `|` between; written with commas, each entry once. */
  readonly lists?: ReadonlySet<number>;
}

interface Part {
  readonly column: number;
  readonly isList: boolean;
  /** Written between the last value that was there and this one. */
  readonly separator: string;
  /** The same without its full stop, for behind a value that ends with one. */
  readonly shortSeparator: string;
  /** Written with the value, before and behind it. */
  prefix: string;
  suffix: string;
}

/**
 * A text template in which an empty value vanishes together with what belongs to it:
 * - the separator before it (`. `, `, `, ` by `): one is written only between two values that are there;
 * - brackets and quotes around it, and a label before it that ends with a colon (`Medium: {Medium}`);
 * - words behind the last placeholder (`{Height} cm`).
 * A separator's full stop is left out behind a value that ends with one. With no value at all the text is empty.
 */
export class TextTemplate {
  /** Columns in the order in which they are read. */
  readonly columns: readonly number[];
  readonly #parts: readonly Part[];
  readonly #tail: string;
  readonly #dropRepeats: boolean;

  constructor(tokens: readonly TemplateToken[], options: TextTemplateOptions = {}) {
    const { parts, tail } = compile(tokens, options.lists ?? new Set());
    this.columns = parts.map(({ column }) => column);
    this.#parts = parts;
    this.#tail = tail;
    this.#dropRepeats = options.dropRepeats ?? false;
  }

  render(values: readonly string[]): string {
    let text = '';
    let last = '';
    for (let index = 0; index < this.#parts.length; index++) {
      const part = this.#parts[index];
      if (part === undefined) break;
      let value = values[part.column] ?? '';
      if (value === '' || (this.#dropRepeats && this.#isRepeated(values, index, value))) continue;
      if (part.isList && value.includes('|')) value = joinList(value);
      if (value === '') continue;
      if (text !== '') text += endsSentence(last) ? part.shortSeparator : part.separator;
      last = part.suffix === '' ? value : part.suffix;
      text += part.prefix + value + part.suffix;
    }
    return text === ''
      ? ''
      : text + (endsSentence(last) && this.#tail.startsWith('.') ? this.#tail.slice(1) : this.#tail);
  }

  #isRepeated(values: readonly string[], before: number, value: string): boolean {
    for (let index = 0; index < before; index++) {
      const earlier = values[this.#parts[index]?.column ?? -1] ?? '';
      if (earlier.length === value.length && (earlier === value || earlier.toLowerCase() === value.toLowerCase())) {
        return true;
      }
    }
    return false;
  }
}

function compile(tokens: readonly TemplateToken[], lists: ReadonlySet<number>): { parts: Part[]; tail: string } {
  const parts: Part[] = [];
  let literal = '';
  for (const token of tokens) {
    if (typeof token === 'string') {
      literal += token;
      continue;
    }
    const previous = parts.at(-1);
    const split = previous === undefined ? { suffix: '', separator: '', prefix: literal } : splitLiteral(literal);
    if (previous !== undefined) previous.suffix = split.suffix;
    const shortSeparator = split.separator.startsWith('.') ? split.separator.slice(1) : split.separator;
    const { column } = token;
    parts.push({ column, isList: lists.has(column), ...split, shortSeparator, suffix: '' });
    literal = '';
  }
  return { parts, tail: splitTail(literal, parts.at(-1)) };
}

const CLOSING = /^[)\]}>"'’”»]+/u;
const OPENING = /[([{<"'‘“«]+$/u;
const LABEL = /^([^\p{L}\p{N}]*)([\p{L}\p{N}].*[:=]\s*)$/su;

function splitLiteral(literal: string): { suffix: string; separator: string; prefix: string } {
  const suffix = CLOSING.exec(literal)?.[0] ?? '';
  const rest = literal.slice(suffix.length);
  const opening = OPENING.exec(rest)?.[0] ?? '';
  const middle = rest.slice(0, rest.length - opening.length);
  const label = LABEL.exec(middle);
  if (label === null) return { suffix, separator: middle, prefix: opening };
  return { suffix, separator: label[1] ?? '', prefix: (label[2] ?? '') + opening };
}

/** What is behind the last placeholder: punctuation closes any text, the rest belongs to the last value. */
function splitTail(literal: string, last: Part | undefined): string {
  if (last === undefined) return '';
  const tail = /[^\p{L}\p{N})\]}>"'’”»]*$/u.exec(literal)?.[0] ?? '';
  last.suffix = literal.slice(0, literal.length - tail.length);
  return tail;
}

function endsSentence(text: string): boolean {
  const code = text.charCodeAt(text.length - 1);
  return code === 0x2e || code === 0x21 || code === 0x3f;
}

function joinList(value: string): string {
  const entries = value.split('|').map((entry) => entry.trim());
  return [...new Set(entries)].filter((entry) => entry !== '').join(', ');
}
