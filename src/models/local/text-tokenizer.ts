import { readFileSync } from 'node:fs';
import { Tokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';
import { forBertNormalizer } from './bert-cleaning.ts';
import type { TextWorkerSettings } from './messages.ts';
import { PrecompiledCharsmap } from './precompiled-charsmap.ts';
import { boundariesFor, safeCut } from './safe-cut.ts';

/** Texts up to this long are tokenised whole; longer ones from a prefix that doubles until it holds enough tokens. */
const WHOLE_UNITS = 4096;

const tokenizerSchema = z.looseObject({
  added_tokens: z.array(z.looseObject({ content: z.string() })),
  normalizer: z.looseObject({ type: z.string() }).nullish(),
  pre_tokenizer: z.looseObject({ type: z.string() }).nullish(),
  model: z.looseObject({ type: z.string().optional() }),
});

interface JsonNormalizer {
  readonly charsmap?: string | null;
  /** Of a sequence. */
  readonly normalizers?: readonly (JsonNormalizer | null)[];
  normalize(text: string): string;
}

interface JsonTokenizer {
  readonly normalizer?: JsonNormalizer | null;
  encode(text: string, options?: { readonly add_special_tokens: boolean }): { readonly ids: readonly number[] };
}
// The package's declarations import one another without extensions, which nodenext can't resolve: it has no types here.
const HuggingFaceTokenizer = Tokenizer as new (description: object, config: object) => JsonTokenizer;

export interface TokenisedText {
  readonly ids: readonly number[];
  readonly truncated: boolean;
}

/** A part of a text as the model is given it. */
export interface TokenWindow {
  readonly ids: readonly number[];
  /** Tokens of the text itself. */
  readonly weight: number;
}

export type TokenizerSettings = Pick<
  TextWorkerSettings,
  'tokenizerPath' | 'tokenizerConfigPath' | 'maxTokens' | 'lowerCase'
>;

/** Text to token ids, cut to `maxTokens` with the closing special tokens kept. */
export class TextTokenizer {
  readonly maxTokens: number;
  readonly #tokenizer: JsonTokenizer;
  readonly #opening: readonly number[];
  readonly #closing: readonly number[];
  /** Undefined where cutting a text is not known to be safe. */
  readonly #boundaries: ReadonlySet<number> | undefined;
  readonly #clean: (text: string) => string;

  /** Reads tokenizer.json; its own truncation and padding are left out, the length comes from the catalogue. */
  constructor({ tokenizerPath, tokenizerConfigPath, maxTokens, lowerCase }: TokenizerSettings) {
    const description: object = tokenizerSchema.parse(JSON.parse(readFileSync(tokenizerPath, 'utf8')));
    this.#tokenizer = new HuggingFaceTokenizer(description, readConfig(tokenizerConfigPath));
    normaliseExactly(this.#tokenizer.normalizer);
    this.maxTokens = maxTokens;
    [this.#opening, this.#closing] = specialTokens(this.#tokenizer);
    this.#boundaries = boundariesOf(description);
    const { normalizer } = tokenizerSchema.parse(description);
    const clean = normalizer?.type === 'BertNormalizer' ? forBertNormalizer : cleaningFor(description);
    this.#clean = lowerCase ? (text) => clean(text).toLowerCase() : clean;
  }

  tokenise(text: string): TokenisedText {
    const room = this.#room;
    const content = this.#contentIds(text, room);
    const truncated = content.length > room;
    return { ids: this.#withSpecials(truncated ? content.slice(0, room) : content), truncated };
  }

  /** Tokens of the whole text, special tokens included. */
  count(text: string): number {
    return this.#withSpecials(this.#encode(text.toWellFormed())).length;
  }

  /**
   * The whole text in windows of at most `maxTokens`, each with special tokens of its own, and each but the first with
   * the prefix that the text begins with before it.
   */
  windows(text: string, prefix: string): TokenWindow[] {
    const content = this.#encode(text.toWellFormed());
    const head = this.#headOf(content, prefix);
    const step = Math.max(1, this.#room - head.length);
    const windows: TokenWindow[] = [];
    for (let start = head.length; start < content.length; start += step) {
      const part = content.slice(start, start + step);
      windows.push({ ids: this.#withSpecials([...head, ...part]), weight: part.length });
    }
    return windows;
  }

  get #room(): number {
    return this.maxTokens - this.#opening.length - this.#closing.length;
  }

  #withSpecials(content: readonly number[]): number[] {
    return [...this.#opening, ...content, ...this.#closing];
  }

  /** None where the prefix runs into the text, so that its tokens can't be told apart, or takes most of a window. */
  #headOf(content: readonly number[], prefix: string): readonly number[] {
    const head = prefix === '' ? [] : this.#encode(prefix.toWellFormed());
    return head.length * 2 <= this.#room && head.every((id, i) => content[i] === id) ? head : [];
  }

  /** Ids without special tokens: all of them, or at least `room + 1` right ones from the start of a long text. */
  #contentIds(text: string, room: number): readonly number[] {
    const wellFormed = text.toWellFormed(); // a lone surrogate has no UTF-8 and no token: U+FFFD, which cleaning drops
    if (this.#boundaries && wellFormed.length > WHOLE_UNITS) {
      for (let units = WHOLE_UNITS / 2; units < wellFormed.length; units *= 2) {
        const cut = safeCut(wellFormed, units, this.#boundaries);
        if (cut === wellFormed.length) break;
        const ids = this.#encode(wellFormed.slice(0, cut));
        if (ids.length > room) return ids;
        units = cut;
      }
    }
    return this.#encode(wellFormed);
  }

  #encode(text: string): readonly number[] {
    return this.#tokenizer.encode(this.#clean(text), { add_special_tokens: false }).ids;
  }
}

/** NEL is white space for Rust, and none for JavaScript's \\s. */
function cleaningFor(description: object): (text: string) => string {
  const { pre_tokenizer } = tokenizerSchema.parse(description);
  // It may stand in a sequence.
  return JSON.stringify(pre_tokenizer ?? null).includes('"WhitespaceSplit"')
    ? (text) => text.replaceAll('\u0085', ' ')
    : (text) => text;
}

/** Puts what a charsmap says in place of what the package takes for it. */
function normaliseExactly(normalizer: JsonNormalizer | null | undefined): void {
  for (const inner of normalizer?.normalizers ?? []) normaliseExactly(inner);
  if (typeof normalizer?.charsmap !== 'string') return;
  const charsmap = new PrecompiledCharsmap(normalizer.charsmap);
  normalizer.normalize = (text) => charsmap.normalize(text);
}

function readConfig(path: string): object {
  try {
    return z.looseObject({}).parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    throw error;
  }
}

/** What the tokenizer puts before and after a text. */
function specialTokens(tokenizer: JsonTokenizer): [opening: readonly number[], closing: readonly number[]] {
  const whole = tokenizer.encode('a').ids;
  const content = tokenizer.encode('a', { add_special_tokens: false }).ids;
  for (let start = 0; start + content.length <= whole.length; start++) {
    if (content.every((id, i) => whole[start + i] === id)) {
      return [whole.slice(0, start), whole.slice(start + content.length)];
    }
  }
  throw new Error('the special tokens around a text could not be told apart');
}

function boundariesOf(description: object): ReadonlySet<number> | undefined {
  const { normalizer, pre_tokenizer, model, added_tokens } = tokenizerSchema.parse(description);
  const splitsAsBert =
    normalizer?.type === 'BertNormalizer' && pre_tokenizer?.type === 'BertPreTokenizer' && model.type !== 'Unigram';
  return splitsAsBert ? boundariesFor(added_tokens.map((token) => token.content)) : undefined;
}
