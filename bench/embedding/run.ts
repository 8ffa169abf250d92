/**
 * Embedding rate against peers: `npm run bench:embedding`, or
 * `node bench/embedding/run.ts [--model=bert-base] [--rounds=3] [--share=1]`.
 * Contestants take turns (A B C A B C …) so that the machine's noise hits all of them; medians over the rounds.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { TextTokenizer } from '../../src/models/local/text-tokenizer.ts';
import { Contestant } from './contestant.ts';
import { prepareSubject } from './subjects.ts';
import { makeParagraphs, makeTitles } from './texts.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'all-MiniLM-L6-v2' },
    rounds: { type: 'string', default: '3' },
    share: { type: 'string' },
  },
});
const here = fileURLToPath(new URL('.', import.meta.url));
const scratch = fileURLToPath(new URL('../../.cache/bench/', import.meta.url));
const { subject, peers } = prepareSubject(values.model, scratch);
const rounds = Number(values.rounds);
const share = Number(values.share ?? subject.share);

const SETS = ['titles', 'paragraphs'] as const;
type SetName = (typeof SETS)[number];

interface TextSet {
  readonly path: string;
  readonly texts: number;
  readonly tokens: number;
  readonly medianTokens: number;
  /** Multiplications and additions of the model for all of the texts. */
  readonly flops: number;
}

function prepareSet(name: SetName): TextSet {
  const texts = name === 'titles' ? makeTitles(Math.round(3000 * share)) : makeParagraphs(Math.round(400 * share));
  const tokenizer = new TextTokenizer({
    tokenizerPath: join(subject.tokenizer, 'tokenizer.json'),
    tokenizerConfigPath: join(subject.tokenizer, 'tokenizer_config.json'),
    maxTokens: 256,
    lowerCase: false,
  });
  const lengths = texts.map((text) => tokenizer.tokenise(text).ids.length).sort((left, right) => left - right);
  mkdirSync(scratch, { recursive: true });
  const path = join(scratch, `${name}.json`);
  writeFileSync(path, JSON.stringify(texts));
  return {
    path,
    texts: texts.length,
    tokens: lengths.reduce((sum, length) => sum + length, 0),
    medianTokens: lengths[lengths.length >> 1] ?? 0,
    flops: lengths.reduce((sum, length) => sum + length * flopsPerToken(length), 0),
  };
}

/** A layer: four (width, width) and two (width, 4 width) products a token, and scores and their sum over the row's tokens. */
function flopsPerToken(rowTokens: number): number {
  const { layers, width } = subject;
  return layers * (2 * 12 * width * width + 4 * rowTokens * width);
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((left, right) => left - right);
  return sorted[sorted.length >> 1] ?? NaN;
}

const sets = { titles: prepareSet('titles'), paragraphs: prepareSet('paragraphs') };
const node = ['--disable-warning=ExperimentalWarning'];
const ourScript = join(here, 'contestants/embedstream.ts');
const peer = (name: string) =>
  name === 'transformers.js'
    ? new Contestant(name, process.execPath, [
        join(here, 'contestants/transformers-js.mjs'),
        peers.npmFolder,
        peers.onnxModel,
      ])
    : new Contestant(name, peers.python, [join(here, 'contestants/peer.py'), name, subject.weights]);

await using running = new AsyncDisposableStack();
const gemm = running.use(peer('gemm'));
const contestants = [
  ...Object.entries(subject.ours).map(
    ([name, model]) => new Contestant(name, process.execPath, [...node, ourScript, model]),
  ),
  ...subject.peers.map(peer),
].map((contestant) => running.use(contestant));
for (const contestant of [...contestants, gemm]) await contestant.reply();

const rates = new Map<string, number[]>();
const cpuRates = new Map<string, number[]>();
const gflops: number[] = [];
for (let round = 0; round <= rounds; round++) {
  for (const set of SETS) {
    for (const contestant of contestants) {
      const { seconds = NaN, cpuSeconds = NaN } = await contestant.measure(sets[set].path);
      const { tokens } = sets[set];
      const label = round === 0 ? 'warm-up' : `round ${round}`;
      console.log(`${label} ${set} ${contestant.name}: ${Math.round(tokens / seconds)} tokens/s`);
      if (round === 0) continue;
      const key = `${set} ${contestant.name}`;
      rates.set(key, [...(rates.get(key) ?? []), tokens / seconds]);
      cpuRates.set(key, [...(cpuRates.get(key) ?? []), tokens / cpuSeconds]);
    }
  }
  gflops.push((await gemm.measure('')).gflops ?? NaN);
}

// A roofline is what the machine can do at its best: not the median, but the best of all rounds.
const roofline = Math.max(...gflops);
const summary = Object.fromEntries(
  SETS.map((set) => {
    const tokensPerSecond = Object.fromEntries([
      ...contestants.map(({ name }) => [name, Math.round(median(rates.get(`${set} ${name}`) ?? []))] as const),
      ['roofline', Math.round((roofline * 1e9 * sets[set].tokens) / sets[set].flops)] as const,
    ]);
    const tokensPerCpuSecond = Object.fromEntries(
      contestants.map(({ name }) => [name, Math.round(median(cpuRates.get(`${set} ${name}`) ?? []))]),
    );
    const ratios = subject.targets.map(({ ours, over, ...targets }) => {
      const ratio = (tokensPerSecond[ours] ?? NaN) / (tokensPerSecond[over] ?? NaN);
      const target = targets[set];
      const name = ours === 'embedstream' ? over : `${ours} over ${over}`;
      return [name, { ratio: Number(ratio.toFixed(3)), target, met: ratio >= target }] as const;
    });
    const { texts, tokens, medianTokens } = sets[set];
    return [
      set,
      { texts, tokens, medianTokens, tokensPerSecond, tokensPerCpuSecond, oursOver: Object.fromEntries(ratios) },
    ];
  }),
);
const results = {
  model: subject.name,
  measuredAt: new Date().toISOString(),
  processor: cpus()[0]?.model,
  cores: cpus().length,
  node: process.version,
  rounds,
  gflops: Math.round(roofline),
  ...summary,
};
writeFileSync(subject.results, `${JSON.stringify(results, null, 2)}\n`);
console.log(JSON.stringify(results, null, 2));
