import { createEmbedder } from '../../models/create-embedder.ts';
import type { SearchResult } from '../../operations/search/search-result.ts';
import { formatCount } from '../../telemetry/format.ts';
import type { CommandBody } from '../command.ts';
import type { searchFlags, searchPositionals } from '../definitions/search.ts';
import { modelEnvironment } from '../hosted-options.ts';
import { readQuery, searchBackend } from '../stages/search-stage.ts';

const TEXT_CHARS = 240;

export const run: CommandBody<typeof searchFlags, typeof searchPositionals> = async (context) => {
  const { options, args, output, signal } = context;
  const query = await readQuery(args.query, options);
  const environment = modelEnvironment(options);
  const embedder = await createEmbedder({ model: options.model, workers: 1, environment, hosted: { stop: signal } });
  try {
    const result = await searchBackend(context, embedder, query);
    const { name } = embedder.info;
    const asked = { ...(args.query !== undefined && { query: args.query }), image: options.image };
    output.result(resultJson({ ...asked, model: name, backend: options.backend }, result), () =>
      formatResult(result, name),
    );
    return 0;
  } finally {
    await embedder.close();
  }
};

function resultJson(asked: object, { matches, compared }: SearchResult): unknown {
  return {
    ...asked,
    compared,
    matches: matches.map(({ id, score, text, metadata }) => ({ id, score, text, metadata })),
  };
}

function formatResult({ matches, compared }: SearchResult, model: string): string {
  const lines = matches.map(({ id, score, text = '' }) => {
    const line = text.replace(/\s+/g, ' ');
    const shown = line.length > TEXT_CHARS ? `${line.slice(0, TEXT_CHARS)}…` : line;
    return `${score.toFixed(3)}  ${id}  ${shown}`.trimEnd();
  });
  return [
    ...lines,
    ...(compared === undefined ? [] : [`${formatCount(compared)} embeddings of ${model} compared.`]),
  ].join('\n');
}
