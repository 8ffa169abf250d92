import { UsageError } from '../../errors.ts';
import type { CatalogEntry } from '../catalog/entry.ts';

type ServerProvider = 'openai-compatible' | 'tei' | 'infinity' | 'ollama';
export const SERVERS: readonly ServerProvider[] = ['openai-compatible', 'tei', 'infinity', 'ollama'];

/** Whatever the server cuts at, where it doesn't say. */
const UNKNOWN_TOKENS = 2 ** 31 - 1;
export const ANY_LENGTH = { full: 65_536, shorter: [], least: 1 };

/**
 * `ollama:NAME`, `tei:NAME`, `infinity:NAME` or `openai-compatible:NAME`, a model of a server of one's own; undefined for
 * anything else. Nobody is asked yet: the dimension is 0 until `askServer` has.
 *
 * @throws UsageError for a prefix without a name.
 */
export function serverEntry(model: string): CatalogEntry | undefined {
  const provider = SERVERS.find((each) => model.startsWith(`${each}:`));
  if (provider === undefined) return undefined;
  const served = model.slice(provider.length + 1);
  if (!/^[\w.:/@+-]{1,120}$/.test(served))
    throw new UsageError(
      `--model=${model} must be ${provider}:NAME, with the name by which the server knows the model.`,
    );
  return {
    name: `${provider}-${served.replaceAll('/', '--').replace(/[^\w.-]/g, '-')}`,
    aliases: [model],
    summary: `served by ${provider}`,
    kinds: ['text'],
    dimension: 0,
    matryoshka: ANY_LENGTH,
    maxTokens: UNKNOWN_TOKENS,
    pooling: 'graph',
    normalise: true,
    prefixes: { document: '', query: '' },
    similarity: 'cosine',
    licence: 'unknown',
    sources: {},
    weights: { runtime: 'hosted', provider, model: served },
  };
}
