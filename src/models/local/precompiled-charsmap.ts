/**
 * The normalisation that a SentencePiece model brings along (XLM-R, multilingual E5, SigLIP …), read from its charsmap as
 * the Rust tokenizer does. `@huggingface/tokenizers` (JS, 0.2.0) takes NFKC and a fixed list in its place, which differs
 * by version of the charsmap: for ZWJ, which holds emoji together, for NEL, and in clusters of marks.
 *
 * Format: 4 bytes with the length of a trie, the trie (darts-clone: a double array of 32-bit units, little-endian), and
 * what is put in place, each ended by a zero byte. Source: sentencepiece, src/normalizer.cc; spm_precompiled, src/lib.rs.
 */
export class PrecompiledCharsmap {
  readonly #trie: Uint32Array;
  readonly #replacements: Uint8Array;
  /** By character; `undefined` where it stays. */
  readonly #known = new Map<string, string | undefined>();

  /** @param charsmap base64, as tokenizer.json has it */
  constructor(charsmap: string) {
    const bytes = Buffer.from(charsmap, 'base64');
    const trieBytes = bytes.length < 4 ? 0 : bytes.readUInt32LE(0);
    if (trieBytes === 0 || trieBytes % 4 !== 0 || 4 + trieBytes > bytes.length)
      throw new Error('the precompiled charsmap of the normalizer is broken');
    this.#trie = new Uint32Array(trieBytes / 4);
    for (let i = 0; i < this.#trie.length; i++) this.#trie[i] = bytes.readUInt32LE(4 + 4 * i);
    this.#replacements = bytes.subarray(4 + trieBytes);
  }

  normalize(text: string): string {
    // Printable ASCII that ASCII follows is a cluster of its own, and the most of most texts.
    return text.replaceAll(NOT_PLAIN, (run) => {
      if (ALONE.test(run)) return Array.from(run, (character) => this.#ofCharacter(character)).join('');
      return Array.from(graphemes.segment(run), ({ segment }) => this.#ofCluster(segment)).join('');
    });
  }

  #ofCluster(cluster: string): string {
    // Whatever the shortest match is, it stands for the whole of a short cluster: so does the Rust tokenizer.
    const whole = Buffer.byteLength(cluster) < LONG_CLUSTER_BYTES ? this.#lookUp(cluster) : undefined;
    return whole ?? Array.from(cluster, (character) => this.#ofCharacter(character)).join('');
  }

  #ofCharacter(character: string): string {
    if (!this.#known.has(character)) this.#known.set(character, this.#lookUp(character));
    return this.#known.get(character) ?? character;
  }

  /** What stands for the shortest beginning of `key` that the trie has. */
  #lookUp(key: string): string | undefined {
    const unitAt = (position: number): number => this.#trie[position] ?? 0;
    let position = offsetOf(unitAt(0));
    for (const byte of Buffer.from(key)) {
      position ^= byte;
      const unit = unitAt(position);
      if (byte === 0 || (unit & LABEL) !== byte) return undefined;
      position ^= offsetOf(unit);
      if ((unit & HAS_LEAF) !== 0) return this.#replacementAt(unitAt(position) & VALUE);
    }
    return undefined;
  }

  #replacementAt(start: number): string {
    const end = this.#replacements.indexOf(0, start);
    return Buffer.from(this.#replacements.subarray(start, end < 0 ? undefined : end)).toString('utf8');
  }
}

/** A character of another kind, with the ASCII before it, which a mark may belong to. */
const NOT_PLAIN = /[\x20-\x7e]?[^\x20-\x7e]+/g;
/** Of scripts whose characters are each a cluster of their own: Latin, Greek, Cyrillic, Han, Kana, Hangul syllables. */
const ALONE =
  /^[\x20-\x7e]?[\u00ae-\u02ff\u0370-\u0482\u048a-\u052f\u2010-\u2027\u3000-\u3029\u3041-\u3096\u30a0-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff60]*$/;
const LONG_CLUSTER_BYTES = 6;
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Bits of a unit of the trie. */
const HAS_LEAF = 1 << 8;
const LABEL = (1 << 31) | 0xff;
const VALUE = 0x7fffffff;

function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & (1 << 9)) >>> 6);
}
