import { Tensor, type InferenceSession } from 'onnxruntime-node';
import type { EmbeddedRows, TextWorkerSettings } from './messages.ts';
import { openSession } from './onnx-session.ts';
import { normaliseRows, pool } from './pooling.ts';

/** A graph with this output pools by itself; others give `last_hidden_state` or their first output, (B, S, D). */
const POOLED_OUTPUT = 'sentence_embedding';
/** The same for the text tower of CLIP. */
const TOWER_OUTPUT = 'text_embeds';

/** Any tokens show where a graph runs. */
const PROBE_TOKENS = 8;

/** Token ids to vectors. */
export class OnnxEncoder {
  readonly #session: InferenceSession;
  readonly #settings: TextWorkerSettings;

  private constructor(session: InferenceSession, settings: TextWorkerSettings) {
    this.#session = session;
    this.#settings = settings;
  }

  static async load(settings: TextWorkerSettings): Promise<OnnxEncoder> {
    const probe = (session: InferenceSession): Promise<unknown> =>
      new OnnxEncoder(session, settings).embed(new Int32Array(PROBE_TOKENS), Uint32Array.of(PROBE_TOKENS));
    return new OnnxEncoder(await openSession(settings, probe), settings);
  }

  /** Whether rows of unlike length may share a batch: only a graph that takes a mask can tell padding from text. */
  get pads(): boolean {
    return this.#session.inputNames.includes('attention_mask');
  }

  /** @param ids token ids of all rows without padding; @param lengths (rows,) */
  async embed(ids: Int32Array, lengths: Uint32Array): Promise<EmbeddedRows> {
    const { dimension, pooling, normalise } = this.#settings;
    const padded = lengths.reduce((most, length) => Math.max(most, length), 0);
    const outputs = await this.#session.run(this.#feeds(ids, lengths, padded));
    const pooledBy = this.#session.outputNames.find((each) => each === POOLED_OUTPUT || each === TOWER_OUTPUT);
    const pooledHere = pooledBy === undefined;
    const name = pooledBy ?? this.#hiddenOutput();
    const data = outputs[name]?.data;
    const expected = lengths.length * dimension * (pooledHere ? padded : 1);
    if (!(data instanceof Float32Array) || data.length !== expected) {
      throw new Error(
        `the output ${name} has ${data?.length ?? 0} values where ${expected} floats of dimension ${dimension} belong`,
      );
    }
    // ONNX Runtime owns `data`: it can't be transferred to another thread, a copy can.
    const vectors = pooledHere ? pool(data, lengths, padded, dimension, pooling) : data.slice();
    return { vectors, unusable: normaliseRows(vectors, dimension, normalise) };
  }

  #hiddenOutput(): string {
    const names = this.#session.outputNames;
    return names.includes('last_hidden_state') ? 'last_hidden_state' : (names[0] ?? 'last_hidden_state');
  }

  #feeds(ids: Int32Array, lengths: Uint32Array, padded: number): Record<string, Tensor> {
    const rows = lengths.length;
    const shape = [rows, padded];
    const feeds: Record<string, Tensor> = {};
    for (const name of this.#session.inputNames) {
      // int64 as pairs of little-endian words: a BigInt a token would cost more than tokenising.
      const words = new Int32Array(2 * rows * padded);
      if (name === 'input_ids') fillRows(words, lengths, padded, (position) => ids[position] ?? 0);
      else if (name === 'attention_mask') fillRows(words, lengths, padded, () => 1);
      else if (name !== 'token_type_ids') throw new Error(`the graph wants an input that is not known: ${name}`);
      feeds[name] = new Tensor('int64', new BigInt64Array(words.buffer), shape);
    }
    return feeds;
  }
}

function fillRows(
  words: Int32Array,
  lengths: Uint32Array,
  padded: number,
  valueAt: (position: number) => number,
): void {
  let position = 0;
  lengths.forEach((length, row) => {
    for (let token = 0; token < length; token++) words[2 * (row * padded + token)] = valueAt(position++);
  });
}
