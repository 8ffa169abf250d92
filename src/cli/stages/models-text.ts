import type { CatalogEntry, HostedPrice } from '../../models/catalog/entry.ts';
import { KEY_VARIABLES } from '../../models/hosted/key-variables.ts';
import { taskOf } from '../../models/hosted/tasks.ts';

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

type Fact = readonly [fact: string, value: string, source?: string | undefined];

/** Each fact with where it is stated. */
export function describeModelFacts(entry: CatalogEntry, fingerprint: string | undefined): string {
  const { sources, matryoshka, weights } = entry;
  const facts: Fact[] = [
    ['name', [entry.name, ...entry.aliases].join(', ')],
    ['summary', entry.summary],
    ['reads', entry.kinds.join(', ')],
    ['dimension', dimension(entry), sources['dimension']],
    ...(matryoshka === undefined || isServer(entry)
      ? []
      : [['dimensions', lengths(matryoshka), sources['dimensions']] as const]),
    ['max tokens', isServer(entry) ? 'as the server has it' : tokens(entry.maxTokens), sources['maxTokens']],
    ['pooling', pooling(entry), sources['pooling']],
    ['normalised', entry.normalise ? 'yes' : 'no', sources['normalise']],
    ['prefixes', prefixText(entry), sources['prefixes']],
    ['similarity', entry.similarity, sources['similarity']],
    ['licence', entry.licence, sources['licence']],
    ['weights', describeWeights(weights)],
    ...(weights.runtime === 'hosted' ? hostedFacts(entry, weights) : []),
    ...(fingerprint === undefined ? [] : [['fingerprint', fingerprint] as const]),
  ];
  const width = Math.max(...facts.map(([fact]) => fact.length));
  return facts
    .map(([fact, value, source]) => `${fact.padEnd(width)}  ${value}${source === undefined ? '' : `  [${source}]`}`)
    .join('\n');
}

type Hosted = Extract<CatalogEntry['weights'], { readonly runtime: 'hosted' }>;

/** What it takes to use it. */
function hostedFacts(entry: CatalogEntry, { provider, price }: Hosted): Fact[] {
  const [name, ...others] = KEY_VARIABLES[provider];
  if (isServer(entry)) return [['key', `${name}, where the server wants one`]];
  const or =
    provider === 'vertex' ? 'or the Application Default Credentials of Google' : others.map((each) => `or ${each}`);
  return [
    ['key', [name, ...[or].flat()].join(' ')],
    ['price', price === undefined ? 'not known: --price-per-million-tokens says it' : priceText(price), price?.source],
  ];
}

function priceText({ usdPerMillionTokens, usdPerThousandImages, asOf }: HostedPrice): string {
  const parts = [
    ...(usdPerMillionTokens === undefined ? [] : [`$${String(usdPerMillionTokens)} for a million tokens`]),
    ...(usdPerThousandImages === undefined ? [] : [`$${String(usdPerThousandImages)} for a thousand images`]),
  ];
  return `${parts.join(', ')} on ${asOf}`;
}

/** Of a model of a server of one's own the server alone knows, and only a command that runs the model asks it. */
function isServer({ weights, dimension, sources }: CatalogEntry): boolean {
  return weights.runtime === 'hosted' && (dimension === 0 || sources['dimension'] === undefined);
}

function dimension(entry: CatalogEntry): string {
  return entry.dimension === 0 ? 'as the server has it' : String(entry.dimension);
}

function lengths({ full, shorter, least }: Exclude<CatalogEntry['matryoshka'], undefined>): string {
  const listed = [full, ...shorter].join(', ');
  return least === undefined ? listed : `${listed}, any from ${String(least)} on`;
}

function tokens(maxTokens: number): string {
  return maxTokens > 1e9 ? 'any' : String(maxTokens);
}

/** How long a text it reads, in words. */
export function reach(maxTokens: number): string {
  return tokens(maxTokens) === 'any' ? 'texts of any length' : `up to ${tokens(maxTokens)} tokens`;
}

function pooling({ pooling, weights }: CatalogEntry): string {
  if (pooling !== 'graph') return pooling;
  return weights.runtime === 'hosted' ? 'by the provider' : 'within the graph';
}

function prefixText({ prefixes: { document, query }, weights }: CatalogEntry): string {
  if (document === '' && query === '') {
    const isTold = weights.runtime === 'hosted' && taskOf(weights.provider, weights.model, 'query') !== undefined;
    return isTold ? 'none: the API is told what is a document and what a query' : 'none';
  }
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
