import { UsageError } from '../../errors.ts';
import { catalogEntries } from '../../models/catalog/entries.ts';
import { createEmbedder } from '../../models/create-embedder.ts';
import { describeEntry } from '../../models/describe-model.ts';
import { TEXT_CANARIES } from '../../models/local/canary.ts';
import { IMAGE_CANARIES } from '../../models/local/image/canary-images.ts';
import type { Embedder } from '../../models/port.ts';
import type { CommandBody, CommandContext } from '../command.ts';
import type { modelsFlags, modelsPositionals } from '../definitions/models.ts';
import { explainOne, locateOne } from '../locate-models.ts';
import { describeModelFacts, modelsTable, reach } from '../stages/models-text.ts';

type ModelsContext = CommandContext<typeof modelsFlags, typeof modelsPositionals>;

export const run: CommandBody<typeof modelsFlags, typeof modelsPositionals> = async (context) => {
  const { args, output } = context;
  if (args.action === 'list') {
    output.result(catalogEntries, () => modelsTable(catalogEntries));
    return 0;
  }
  if (args.name === undefined) throw new UsageError(`"models ${args.action}" needs the name of a model.`);
  await (args.action === 'show' ? showModel(args.name, context) : checkModel(args.name, context));
  return 0;
};

async function showModel(name: string, context: ModelsContext): Promise<void> {
  const entry = await explainOne(name, context.options, { ...context, environment: process.env });
  // Of files that are not here nothing but what is stated is known, and of what a server runs only it knows.
  const isHere = entry.weights.runtime !== 'hub' && entry.weights.runtime !== 'hosted';
  const fingerprint = isHere ? (await describeEntry(entry)).fingerprint : undefined;
  context.output.result({ ...entry, fingerprint }, () => describeModelFacts(entry, fingerprint));
}

/** Loading runs the canary: two inputs must give finite, different vectors of length 1, the same one the same twice. */
async function checkModel(name: string, context: ModelsContext): Promise<void> {
  const model = await locateOne(name, context.options, true, { ...context, environment: process.env });
  const startMs = performance.now();
  const embedder = await createEmbedder({
    model,
    device: context.options.device,
    workers: 1,
    environment: process.env,
  });
  try {
    const loadedMs = performance.now() - startMs;
    const { info } = embedder;
    const found = await tryOut(embedder);
    context.output.result({ ...info, loadedMs, ...found }, () =>
      [
        `${info.name} works: ${String(info.dimension)}-d, loaded and checked in ${loadedMs.toFixed(0)} ms.`,
        `  Two different ${found.kind}s have cosine ${found.cosine.toFixed(3)}, their vectors the lengths ` +
          `${found.lengths.map((length) => length.toFixed(3)).join(' and ')}, all numbers finite.`,
        ...(found.asQuery === undefined
          ? []
          : [`  A text as document and as query has cosine ${found.asQuery.toFixed(3)}.`]),
        `  It reads ${reach(info.maxTokens)}; fingerprint ${info.fingerprint}.`,
      ].join('\n'),
    );
  } finally {
    await embedder.close();
  }
}

interface TriedOut {
  readonly kind: 'text' | 'image';
  readonly cosine: number;
  readonly lengths: readonly number[];
  /** Cosine of a text embedded as document and as query; left out for a model of images. */
  readonly asQuery?: number;
}

async function tryOut(embedder: Embedder): Promise<TriedOut> {
  const { kinds, dimension } = embedder.info;
  const kind = kinds.includes('text') ? 'text' : 'image';
  const { vectors } = await embedder.embed(kind === 'text' ? TEXT_CANARIES : IMAGE_CANARIES);
  const [first, second] = [vectors.subarray(0, dimension), vectors.subarray(dimension)];
  const tried = {
    kind,
    cosine: cosineOf(first, second),
    lengths: [Math.hypot(...first), Math.hypot(...second)],
  } as const;
  if (kind === 'image') return tried;
  const query = await embedder.embed([TEXT_CANARIES[0]], { as: 'query' });
  return { ...tried, asQuery: cosineOf(first, query.vectors) };
}

function cosineOf(left: Float32Array, right: Float32Array): number {
  const dot = left.reduce((sum, value, i) => sum + value * (right[i] ?? 0), 0);
  return dot / (Math.hypot(...left) * Math.hypot(...right));
}
