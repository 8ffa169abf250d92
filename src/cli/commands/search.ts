import { commonPartitions } from '../../log/partition-counts.ts';
import { createEmbedder } from '../../models/create-embedder.ts';
import { searchLog, type SearchResult } from '../../operations/search.ts';
import { formatCount } from '../../telemetry/format.ts';
import type { CommandBody } from '../command.ts';
import type { searchFlags, searchPositionals } from '../definitions/operate.ts';
import { withWorkspace } from '../wiring.ts';

const TEXT_CHARS = 240;

export const run: CommandBody<typeof searchFlags, typeof searchPositionals> = async ({
  options,
  args,
  signal,
  output,
}) => {
  const { query } = args;
  const embedder = await createEmbedder({ model: options.model, workers: 1 });
  try {
    const result = await withWorkspace(options, async (workspace) => {
      commonPartitions(await workspace.log.topics(), workspace.namespace);
      return searchLog({ ...workspace, embedder, query, limit: options.limit, signal });
    });
    const { name } = embedder.info;
    output.result(resultJson(query, name, result), () => formatResult(result, name));
    return 0;
  } finally {
    await embedder.close();
  }
};

function resultJson(query: string, model: string, { matches, compared }: SearchResult): unknown {
  return {
    query,
    model,
    compared,
    matches: matches.map(({ score, embedding }) => ({
      id: embedding.recordId,
      score,
      text: embedding.text,
      metadata: embedding.metadata,
    })),
  };
}

function formatResult({ matches, compared }: SearchResult, model: string): string {
  const lines = matches.map(({ score, embedding }) => {
    const text = (embedding.text ?? '').replace(/\s+/g, ' ');
    const shown = text.length > TEXT_CHARS ? `${text.slice(0, TEXT_CHARS)}…` : text;
    return `${score.toFixed(3)}  ${embedding.recordId}  ${shown}`;
  });
  return [...lines, `${formatCount(compared)} embeddings of ${model} compared.`].join('\n');
}
