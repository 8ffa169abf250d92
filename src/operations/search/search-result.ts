import { fatalError, type PipelineError } from '../../errors.ts';
import type { Metadata } from '../../record/types.ts';

export interface SearchMatch {
  readonly id: string;
  /** By the model's similarity, see `scorerOf`; of a hybrid search, of both rankings. Higher is better. */
  readonly score: number;
  /** What the backend does not keep is left out. */
  readonly text?: string;
  readonly metadata?: Metadata;
}

export interface SearchResult {
  /** Best first. */
  readonly matches: readonly SearchMatch[];
  /** Live embeddings that were compared; left out where an index is asked, which does not compare them all. */
  readonly compared?: number;
}

/** @param advice what to do, as a sentence. */
export function nothingEmbedded(model: string, where: string, advice: string): PipelineError {
  return fatalError('SEARCH_NOTHING_EMBEDDED', `${where} is embedded with ${model} as it is now: ${advice}`);
}
