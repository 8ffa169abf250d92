/**
 * Measures images a second, JPEGs of 640 × 480 to vectors, beside Python's onnxruntime with Pillow on the same ONNX file.
 *
 *   npm run bench:images -- [--images=400] [--rounds=3]
 *
 * Installs torch and transformers the first time (bench/embedding has them, too): they make the model, of the shape of
 * CLIP ViT-B/32 with random weights. Prints every figure with its bound and exits 1 when one is missed.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Contestant } from '../embedding/contestant.ts';
import { median, type Figure } from '../pipeline/figures.ts';
import { runBench } from '../run-bench.ts';

const PACKAGES = [
  'torch==2.15.0',
  'transformers==5.23.0',
  'onnx==1.23.2',
  'onnxruntime==1.31.1',
  'numpy==2.4.6',
  'pillow==13.0.0',
];
const FULL_IMAGES = 400;
const LEAST_DECODED = 200;
const LEAST_RATIO = 1.05;

const { values } = parseArgs({
  options: { images: { type: 'string', default: String(FULL_IMAGES) }, rounds: { type: 'string', default: '3' } },
});
const count = Number(values.images);
const rounds = Number(values.rounds);
const peer = fileURLToPath(new URL('peer.py', import.meta.url));
const ours = fileURLToPath(new URL('embedstream.ts', import.meta.url));
const scratch = fileURLToPath(new URL('../../.cache/bench/images/', import.meta.url));

/** An environment of its own: what bench/embedding measures must not change under it. `BENCH_PYTHON` is taken instead. */
function installPython(): string {
  const given = process.env['BENCH_PYTHON'];
  if (given !== undefined) return given;
  const python = join(scratch, 'venv', 'bin', 'python');
  const installed = join(scratch, 'installed.txt');
  if (!existsSync(installed)) {
    execFileSync('python3', ['-m', 'venv', join(scratch, 'venv')], { stdio: 'inherit' });
    execFileSync(python, ['-m', 'pip', 'install', '--quiet', ...PACKAGES], { stdio: 'inherit' });
    writeFileSync(installed, PACKAGES.join('\n'));
  }
  return python;
}

mkdirSync(scratch, { recursive: true });
const python = installPython();
execFileSync(python, ['-W', 'ignore', peer, 'prepare', scratch, String(count)], {
  stdio: ['ignore', 'inherit', 'ignore'],
});
const paths = readdirSync(join(scratch, 'jpg')).slice(0, count);
const list = join(scratch, 'images.json');
writeFileSync(list, JSON.stringify(paths.map((name) => join(scratch, 'jpg', name))));

/** Images a second of each contestant, the median of the rounds; they take turns, and the first turn is not counted. */
async function rates(model: string): Promise<{ readonly ours: number; readonly python: number }> {
  const folder = join(scratch, model);
  await using mine = new Contestant('embedstream', process.execPath, [
    '--disable-warning=ExperimentalWarning',
    ours,
    folder,
  ]);
  await using theirs = new Contestant('onnxruntime and Pillow', python, [peer, 'serve', folder]);
  const measured = { ours: [] as number[], python: [] as number[] };
  await Promise.all([mine.reply(), theirs.reply()]);
  for (let round = 0; round <= rounds; round++) {
    for (const [name, contestant] of [['ours', mine] as const, ['python', theirs] as const]) {
      const { seconds = NaN } = await contestant.measure(list);
      if (round > 0) measured[name].push(paths.length / seconds);
    }
  }
  return { ours: median(measured.ours), python: median(measured.python) };
}

async function measureDecoding(): Promise<Figure[]> {
  const rate = await rates('next-to-nothing');
  return [
    { name: 'decoded to 224 px', value: rate.ours, unit: 'images/s', atLeast: LEAST_DECODED },
    { name: 'the same, Pillow', value: rate.python, unit: 'images/s' },
  ];
}

async function measureModel(): Promise<Figure[]> {
  const rate = await rates('clip-vit-base-patch32');
  return [
    { name: 'CLIP ViT-B/32', value: rate.ours, unit: 'images/s' },
    { name: 'the same, onnxruntime and Pillow', value: rate.python, unit: 'images/s' },
    { name: 'ours over theirs', value: rate.ours / rate.python, unit: 'ratio', atLeast: LEAST_RATIO },
  ];
}

await runBench({
  measures: new Map([
    ['decoding', measureDecoding],
    ['model', measureModel],
  ]),
  ...(count === FULL_IMAGES && { resultsFile: fileURLToPath(new URL('results.json', import.meta.url)) }),
});
