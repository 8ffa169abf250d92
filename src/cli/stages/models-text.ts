import type { CatalogEntry } from '../../models/catalog/entry.ts';

/** A line a model. */
export function modelsTable(entries: readonly CatalogEntry[]): string {
  const rows = [
    ['MODEL', 'READS', 'DIMENSION', 'TOKENS', 'RUN BY', ''],
    ...entries.map((entry) => [
      entry.name,
      entry.kinds.join(', '),
      String(entry.dimension),
      tokens(entry.maxTokens),
      runBy(entry),
      entry.summary,
    ]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .concat(
      '',
      'Also: a folder (./my-model), a repository of the Hugging Face hub (hf:owner/name), and models of a server of yours',
      '(ollama:NAME, tei:NAME, infinity:NAME, openai-compatible:NAME). "models show NAME" explains one.',
    )
    .join('\n');
}

/** Each fact with where it is stated. */
export function describeModelFacts(entry: CatalogEntry, fingerprint: string | undefined): string {
  const { sources, prefixes, matryoshka } = entry;
  const facts: (readonly [fact: string, value: string, source?: string | undefined])[] = [
    ['name', [entry.name, ...entry.aliases].join(', ')],
    ['summary', entry.summary],
    ['reads', entry.kinds.join(', ')],
    ['dimension', String(entry.dimension), sources['dimension']],
    ...(matryoshka === undefined ? [] : [['dimensions', lengths(matryoshka), sources['dimensions']] as const]),
    ['max tokens', tokens(entry.maxTokens), sources['maxTokens']],
    ['pooling', pooling(entry), sources['pooling']],
    ['normalised', entry.normalise ? 'yes' : 'no', sources['normalise']],
    ['prefixes', prefixText(prefixes), sources['prefixes']],
    ['similarity', entry.similarity, sources['similarity']],
    ['licence', entry.licence, sources['licence']],
    ['weights', describeWeights(entry.weights)],
    ...(fingerprint === undefined ? [] : [['fingerprint', fingerprint] as const]),
  ];
  const width = Math.max(...facts.map(([fact]) => fact.length));
  return facts
    .map(([fact, value, source]) => `${fact.padEnd(width)}  ${value}${source === undefined ? '' : `  [${source}]`}`)
    .join('\n');
}

function lengths({ full, shorter, least }: Exclude<CatalogEntry['matryoshka'], undefined>): string {
  const listed = [full, ...shorter].join(', ');
  return least === undefined ? listed : `${listed}, any from ${String(least)} on`;
}

function tokens(maxTokens: number): string {
  return maxTokens > 1e9 ? 'any' : String(maxTokens);
}

function pooling({ pooling, weights }: CatalogEntry): string {
  if (pooling !== 'graph') return pooling;
  return weights.runtime === 'hosted' ? 'by the provider' : 'within the graph';
}

function prefixText({ document, query }: CatalogEntry['prefixes']): string {
  if (document === '' && query === '') return 'none';
  return `${JSON.stringify(document)} before a document, ${JSON.stringify(query)} before a query`;
}

function runBy({ weights }: CatalogEntry): string {
  switch (weights.runtime) {
    case 'hashed':
    case 'onnx':
    case 'onnx-vision':
      return 'package';
    case 'hub':
      return 'download';
    case 'hosted':
      return `API: ${weights.provider}`;
  }
}

function describeWeights(weights: CatalogEntry['weights']): string {
  switch (weights.runtime) {
    case 'hashed':
      return 'none';
    case 'hub':
      return `https://huggingface.co/${weights.repository} at ${weights.revision}, not downloaded yet`;
    case 'hosted':
      return `none: run by ${weights.provider} as ${weights.model}`;
    case 'onnx':
      return `${weights.folder} (${weights.graph}, ${weights.dtype})`;
    case 'onnx-vision':
      return `${weights.folder} (${weights.graph}, ${weights.dtype}${weights.textTower === undefined ? '; no text tower' : `; ${weights.textTower.weights.graph}`})`;
  }
}
