/**
 * Embedding rate against peers: `npm run bench:embedding`, or `node bench/embedding/run.ts [--rounds=3] [--share=1]`.
 * Contestants take turns (A B C A B C …) so that the machine's noise hits all of them; medians over the rounds.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { catalogEntries } from '../../src/models/catalog/entries.ts';
import { TextTokenizer } from '../../src/models/local/text-tokenizer.ts';
import { Contestant } from './contestant.ts';
import { installPeers } from './install-peers.ts';
import { makeParagraphs, makeTitles } from './texts.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string' }, share: { type: 'string' } } });
const rounds = Number(values.rounds ?? 3);
const share = Number(values.share ?? 1);

const here = fileURLToPath(new URL('.', import.meta.url));
const scratch = fileURLToPath(new URL('../../.cache/bench/', import.meta.url));
const weights = catalogEntries[0]?.weights;
if (weights?.runtime !== 'onnx') throw new Error('the default model is no ONNX model');
const modelFolder = weights.folder;

/** Targets of issue 3, ours over the other. */
const TARGETS = {
  'sentence-transformers': { titles: 1.35, paragraphs: 1.35 },
  'transformers.js': { titles: 1.5, paragraphs: 1.5 },
  openvino: { titles: 0.95, paragraphs: 1 },
  roofline: { titles: 0.68, paragraphs: 0.68 },
} as const;

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
  const tokenizer = new TextTokenizer(
    join(modelFolder, 'tokenizer.json'),
    join(modelFolder, 'tokenizer_config.json'),
    256,
  );
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

/** Six layers: four (384, 384) and two (384, 1536) products a token, and scores and their sum over the row's tokens. */
function flopsPerToken(rowTokens: number): number {
  return 6 * (2 * (4 * 384 * 384 + 2 * 384 * 1536) + 4 * rowTokens * 384);
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((left, right) => left - right);
  return sorted[sorted.length >> 1] ?? NaN;
}

const sets = { titles: prepareSet('titles'), paragraphs: prepareSet('paragraphs') };
const peers = installPeers(scratch, modelFolder);
const node = ['--disable-warning=ExperimentalWarning'];
const peer = (name: string) =>
  new Contestant(name, peers.python, [join(here, 'contestants/peer.py'), name, peers.weights]);

await using ours = new Contestant('embedstream', process.execPath, [...node, join(here, 'contestants/embedstream.ts')]);
await using torch = peer('sentence-transformers');
await using transformersJs = new Contestant('transformers.js', process.execPath, [
  join(here, 'contestants/transformers-js.mjs'),
  peers.npmFolder,
  peers.onnxModel,
]);
await using openvino = peer('openvino');
await using gemm = peer('gemm');
const contestants = [ours, torch, transformersJs, openvino];
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
    const ratios = Object.entries(TARGETS).map(([name, target]) => {
      const ratio = (tokensPerSecond['embedstream'] ?? NaN) / (tokensPerSecond[name] ?? NaN);
      return [name, { ratio: Number(ratio.toFixed(3)), target: target[set], met: ratio >= target[set] }] as const;
    });
    const { texts, tokens, medianTokens } = sets[set];
    return [
      set,
      { texts, tokens, medianTokens, tokensPerSecond, tokensPerCpuSecond, oursOver: Object.fromEntries(ratios) },
    ];
  }),
);
const results = {
  measuredAt: new Date().toISOString(),
  processor: cpus()[0]?.model,
  cores: cpus().length,
  node: process.version,
  rounds,
  gflops: Math.round(roofline),
  ...summary,
};
writeFileSync(join(here, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
console.log(JSON.stringify(results, null, 2));
