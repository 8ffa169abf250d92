import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { feedsOf } from './encoder-feeds.ts';
import type { EmbeddedRows, TextWorkerSettings } from './messages.ts';
import { openSession } from './onnx-session.ts';
import { normaliseRows, pool, shortenRows } from './pooling.ts';
import { floatsOf } from './tensor-floats.ts';

/** A graph with one of these outputs pools by itself; the others are of CLIP's and Jina CLIP's text towers. */
const POOLED_OUTPUTS = ['sentence_embedding', 'text_embeds', 'l2norm_text_embeddings'];
/** SigLIP's; of BERT and its kind it is another thing than a vector of the text. */
const TOWER_OUTPUTS = ['pooler_output'];
/** Vectors of the tokens, (B, S, D). */
const TOKEN_OUTPUTS = ['last_hidden_state', 'token_embeddings'];

/** Any tokens show where a graph runs. */
const PROBE_TOKENS = 8;

interface ChosenOutput {
  readonly name: string;
  /** False: it holds vectors of tokens, which are pooled here. */
  readonly isPooled: boolean;
}

/** Token ids to vectors. */
export class OnnxEncoder {
  readonly #session: InferenceSession;
  readonly #settings: TextWorkerSettings;
  readonly #output: ChosenOutput;

  private constructor(session: InferenceSession, settings: TextWorkerSettings) {
    this.#session = session;
    this.#settings = settings;
    this.#output = chooseOutput(session.outputNames, settings);
  }

  static async load(settings: TextWorkerSettings): Promise<OnnxEncoder> {
    const probe = (session: InferenceSession): Promise<unknown> =>
      new OnnxEncoder(session, settings).embed(new Int32Array(PROBE_TOKENS), Uint32Array.of(PROBE_TOKENS));
    return new OnnxEncoder(await openSession(settings, probe), settings);
  }

  /** Whether rows of unlike length may share a batch: only a graph that takes a mask can tell padding from text. */
  get pads(): boolean {
    return this.#session.inputNames.includes('attention_mask') || this.#settings.padTo !== undefined;
  }

  /** @param ids token ids of all rows without padding; @param lengths (rows,) */
  async embed(ids: Int32Array, lengths: Uint32Array): Promise<EmbeddedRows> {
    const { dimension, fullDimension: full, layerNorm, normalise, pooling, padTo } = this.#settings;
    const padded = padTo?.length ?? lengths.reduce((most, length) => Math.max(most, length), 0);
    const outputs = await this.#session.run(feedsOf(this.#session, { ids, lengths, padded }, this.#settings));
    const { name, isPooled } = this.#output;
    const values = this.#checked(outputs[name], lengths.length * (isPooled ? 1 : padded));
    const whole = isPooled ? values : pool(values, lengths, padded, full, pooling);
    const vectors = shortenRows(whole, { full, dimension, layerNorm });
    return { vectors, unusable: normaliseRows(vectors, dimension, normalise) };
  }

  #checked(tensor: Tensor | undefined, rows: number): Float32Array {
    const { fullDimension } = this.#settings;
    const { name } = this.#output;
    const values = floatsOf(tensor);
    if (tensor === undefined || values === undefined)
      throw new Error(`the output ${name} is of type ${tensor?.type ?? 'none'}, where float32 or float16 belongs`);
    const found = tensor.dims.at(-1) ?? 0;
    if (found !== fullDimension)
      throw new Error(
        `the output ${name} has vectors of dimension ${found}, where dimension ${fullDimension} is expected`,
      );
    if (values.length !== rows * fullDimension)
      throw new Error(`the output ${name} has the shape ${tensor.dims.join(' × ')}, where ${rows} vectors belong`);
    return values;
  }
}

function chooseOutput(names: readonly string[], { pooling, poolsTokens }: TextWorkerSettings): ChosenOutput {
  const inGraph = [...POOLED_OUTPUTS, ...(pooling === 'graph' ? TOWER_OUTPUTS : [])];
  const pooled = inGraph.find((name) => names.includes(name));
  const tokens = TOKEN_OUTPUTS.find((name) => names.includes(name)) ?? names.find((name) => !inGraph.includes(name));
  if (pooling === 'graph' || (pooled !== undefined && !poolsTokens)) {
    if (pooled !== undefined) return { name: pooled, isPooled: true };
    throw new Error(`the graph gives none of ${inGraph.join(', ')}, but ${names.join(', ')}: it does not pool`);
  }
  if (tokens !== undefined) return { name: tokens, isPooled: false };
  throw new Error(`the graph gives no vectors of tokens, but ${names.join(', ')}: it can't be pooled otherwise`);
}
