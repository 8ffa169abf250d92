import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { catalogEntries } from '../../src/models/catalog/entries.ts';
import { installPeers, type Peers } from './install-peers.ts';

const here = fileURLToPath(new URL('.', import.meta.url));

/** A model that is measured: ours, its peers, and what ours should be to each of them. */
export interface Subject {
  readonly name: string;
  /** What our contestants are given as a model, by the contestant's name. */
  readonly ours: Readonly<Record<string, string>>;
  readonly peers: readonly ('sentence-transformers' | 'transformers.js' | 'openvino')[];
  /** Folder of the weights as the Python peers read them, and of the tokenizer that counts tokens. */
  readonly weights: string;
  readonly tokenizer: string;
  readonly layers: number;
  readonly width: number;
  /** Least ratio of a contestant of ours to another, by set. */
  readonly targets: readonly Target[];
  readonly results: string;
  /** Of the texts, where no other is asked for. */
  readonly share: number;
}

export interface Target {
  readonly ours: string;
  readonly over: string;
  readonly titles: number;
  readonly paragraphs: number;
}

const NAME = 'embedstream';

/** The default model: targets of issue 3. */
function minilm(peers: Peers, folder: string): Subject {
  const over = (name: string, titles: number, paragraphs: number): Target => ({
    ours: NAME,
    over: name,
    titles,
    paragraphs,
  });
  return {
    name: 'all-MiniLM-L6-v2',
    ours: { [NAME]: 'all-MiniLM-L6-v2' },
    peers: ['sentence-transformers', 'transformers.js', 'openvino'],
    weights: peers.weights,
    tokenizer: folder,
    layers: 6,
    width: 384,
    targets: [
      over('sentence-transformers', 1.35, 1.35),
      over('transformers.js', 1.5, 1.5),
      over('openvino', 0.95, 1),
      over('roofline', 0.68, 0.68),
    ],
    results: join(here, 'results.json'),
    share: 1,
  };
}

/** The shape of most models in use, with random weights: targets of issue 7. */
function bertBase(peers: Peers, folder: string, scratch: string): Subject {
  const made = join(scratch, 'bert-base');
  if (!existsSync(join(made, 'done.txt'))) {
    console.log('making a model of the shape of BERT-base');
    execFileSync(peers.python, [join(here, 'make-bert-base.py'), made, folder], { stdio: 'inherit' });
  }
  const same = { titles: 1.2, paragraphs: 1.2 };
  return {
    name: 'bert-base',
    ours: { [NAME]: made, [`${NAME} q8`]: `${made}?model-dtype=q8` },
    peers: ['sentence-transformers', 'openvino'],
    weights: made,
    tokenizer: made,
    layers: 12,
    width: 768,
    targets: [
      { ours: NAME, over: 'sentence-transformers', ...same },
      { ours: NAME, over: 'openvino', titles: 0.95, paragraphs: 0.95 },
      { ours: `${NAME} q8`, over: NAME, titles: 1.4, paragraphs: 1.4 },
    ],
    results: join(here, 'results-bert-base.json'),
    share: 0.4,
  };
}

/** Installs the peers and makes the model where they are not there yet. */
export function prepareSubject(model: string, scratch: string): { readonly subject: Subject; readonly peers: Peers } {
  const [entry] = catalogEntries;
  if (entry?.weights.runtime !== 'onnx') throw new Error('the default model is no ONNX model');
  const { folder } = entry.weights;
  if (model !== 'all-MiniLM-L6-v2' && model !== 'bert-base')
    throw new Error(`--model takes all-MiniLM-L6-v2 and bert-base, not ${model}`);
  const peers = installPeers(scratch, folder);
  return { peers, subject: model === 'bert-base' ? bertBase(peers, folder, scratch) : minilm(peers, folder) };
}
