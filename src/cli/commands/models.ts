import { UsageError } from '../../errors.ts';
import { catalogEntries } from '../../models/catalog/entries.ts';
import type { CatalogEntry } from '../../models/catalog/entry.ts';
import { findModel } from '../../models/catalog/find-model.ts';
import { createEmbedder } from '../../models/create-embedder.ts';
import { describeModel } from '../../models/describe-model.ts';
import { embedTexts } from '../../models/embed-stream.ts';
import type { CommandBody, Output } from '../command.ts';
import type { modelsFlags, modelsPositionals } from '../definitions/operate.ts';

export const run: CommandBody<typeof modelsFlags, typeof modelsPositionals> = async ({ args, output }) => {
  if (args.action === 'list') listModels(output);
  else if (args.name === undefined) throw new UsageError(`"models ${args.action}" needs the name of a model.`);
  else if (args.action === 'show') await showModel(args.name, output);
  else await checkModel(args.name, output);
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
  const { fingerprint } = await describeModel(name);
  output.result({ ...entry, fingerprint }, () => describeEntry(entry, fingerprint));
}

function describeEntry(entry: CatalogEntry, fingerprint: string): string {
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
    ['weights', entry.weights.runtime === 'onnx' ? `${entry.weights.folder} (${entry.weights.graph})` : 'none'],
    ['fingerprint', fingerprint],
  ];
  const width = Math.max(...facts.map(([fact]) => fact.length));
  return facts
    .map(([fact, value, source]) => `${fact.padEnd(width)}  ${value}${source === undefined ? '' : `  [${source}]`}`)
    .join('\n');
}

/** Loading runs the canary: two texts must give finite, different vectors of length 1, the same one the same twice. */
async function checkModel(name: string, output: Output): Promise<void> {
  const startMs = performance.now();
  const embedder = await createEmbedder({ model: name, workers: 1 });
  try {
    const loadedMs = performance.now() - startMs;
    const [first, second] = await embedTexts(embedder, ['A bronze vessel with a dragon.', 'A portrait of a woman.']);
    const cosine = first?.reduce((sum, value, i) => sum + value * (second?.[i] ?? 0), 0) ?? 0;
    const { info } = embedder;
    output.result(
      { ...info, loadedMs, cosine },
      () =>
        `${info.name} works: ${info.dimension}-d, loaded and checked in ${loadedMs.toFixed(0)} ms; two different texts have cosine ${cosine.toFixed(3)}.`,
    );
  } finally {
    await embedder.close();
  }
}
