import { UsageError } from '../../errors.ts';
import { catalogEntries } from '../../models/catalog/entries.ts';
import type { CatalogEntry } from '../../models/catalog/entry.ts';
import { findModel } from '../../models/catalog/find-model.ts';
import { locateModel } from '../../models/catalog/models-folder.ts';
import { createEmbedder } from '../../models/create-embedder.ts';
import { describeModel } from '../../models/describe-model.ts';
import { TEXT_CANARIES } from '../../models/local/canary.ts';
import { IMAGE_CANARIES } from '../../models/local/image/canary-images.ts';
import type { CommandBody, Output } from '../command.ts';
import type { modelsFlags, modelsPositionals } from '../definitions/operate.ts';

export const run: CommandBody<typeof modelsFlags, typeof modelsPositionals> = async ({ args, options, output }) => {
  if (args.action === 'list') {
    listModels(output);
    return 0;
  }
  if (args.name === undefined) throw new UsageError(`"models ${args.action}" needs the name of a model.`);
  const model = await locateModel(args.name, options.modelsDir);
  await (args.action === 'show' ? showModel(model, output) : checkModel(model, output));
  return 0;
};

function listModels(output: Output): void {
  const width = Math.max(...catalogEntries.map(({ name }) => name.length));
  output.result(catalogEntries, () =>
    catalogEntries
      .map(({ name, dimension, summary }) => `${name.padEnd(width)}  ${dimension}-d  ${summary}`)
      .join('\n'),
  );
}

async function showModel(name: string, output: Output): Promise<void> {
  const entry = await findModel(name);
  // Of files that are not here nothing but what the catalogue says is known.
  const fingerprint = ['hub', 'hosted'].includes(entry.weights.runtime)
    ? undefined
    : (await describeModel(name)).fingerprint;
  output.result({ ...entry, fingerprint }, () => describeEntry(entry, fingerprint));
}

function describeEntry(entry: CatalogEntry, fingerprint: string | undefined): string {
  const facts: (readonly [fact: string, value: string, source?: string | undefined])[] = [
    ['name', [entry.name, ...entry.aliases].join(', ')],
    ['summary', entry.summary],
    ['reads', entry.kinds.join(', ')],
    ['dimension', String(entry.dimension), entry.sources['dimension']],
    ['max tokens', String(entry.maxTokens), entry.sources['maxTokens']],
    ['pooling', entry.pooling, entry.sources['pooling']],
    ['normalised', entry.normalise ? 'yes' : 'no', entry.sources['normalise']],
    ['similarity', entry.similarity, entry.sources['similarity']],
    ['licence', entry.licence, entry.sources['licence']],
    ['weights', describeWeights(entry.weights)],
    ...(fingerprint === undefined ? [] : [['fingerprint', fingerprint] as const]),
  ];
  const width = Math.max(...facts.map(([fact]) => fact.length));
  return facts
    .map(([fact, value, source]) => `${fact.padEnd(width)}  ${value}${source === undefined ? '' : `  [${source}]`}`)
    .join('\n');
}

function describeWeights(weights: CatalogEntry['weights']): string {
  switch (weights.runtime) {
    case 'hashed':
      return 'none';
    case 'hub':
      return `https://huggingface.co/${weights.repository} at ${weights.revision}`;
    case 'hosted':
      return `none: run by ${weights.provider} as ${weights.model}`;
    case 'onnx':
      return `${weights.folder} (${weights.graph})`;
    case 'onnx-vision':
      return `${weights.folder} (${weights.graph}${weights.textTower === undefined ? '; no text tower' : `, ${weights.textTower.weights.graph}`})`;
  }
}

/** Loading runs the canary: two inputs must give finite, different vectors of length 1, the same one the same twice. */
async function checkModel(name: string, output: Output): Promise<void> {
  const startMs = performance.now();
  const embedder = await createEmbedder({ model: name, workers: 1 });
  try {
    const loadedMs = performance.now() - startMs;
    const { info } = embedder;
    const [kind, inputs] = info.kinds.includes('text') ? ['texts', TEXT_CANARIES] : ['images', IMAGE_CANARIES];
    const { vectors } = await embedder.embed(inputs);
    const second = vectors.subarray(info.dimension);
    const cosine = second.reduce((sum, value, i) => sum + value * (vectors[i] ?? 0), 0);
    output.result(
      { ...info, loadedMs, cosine },
      () =>
        `${info.name} works: ${info.dimension}-d, loaded and checked in ${loadedMs.toFixed(0)} ms; two different ${kind} have cosine ${cosine.toFixed(3)}.`,
    );
  } finally {
    await embedder.close();
  }
}
