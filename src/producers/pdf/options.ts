import { join } from 'node:path';
import { z } from 'zod';
import { UsageError } from '../../errors.ts';
import { catalogEntries } from '../../models/catalog/entries.ts';
import { DEFAULT_MODEL } from '../../models/catalog/default-model.ts';
import type { FormatOptions } from '../port.ts';
import type { SplitSettings } from './messages.ts';

const CHUNK_SIZE = 500;
const CHUNK_OVERLAP = 50;
/** A chunk has to fit into a record of the log. */
const MAX_CHUNK_SIZE = 1 << 20;
/** Tokens that stand around every text a model reads. */
const TOKENS_AROUND = 2;

const schema = z.object({
  split: z.enum(['page', 'recursive', 'token']).default('recursive'),
  chunkSize: z.int().positive().max(MAX_CHUNK_SIZE).exactOptional(),
  chunkOverlap: z.int().nonnegative().exactOptional(),
});

/**
 * How documents are split. 500/50 unless said otherwise; tokens no more than the default model reads, since what is
 * behind them would not be embedded.
 *
 * @throws UsageError
 */
export function splitSettings(options: Pick<FormatOptions, 'split' | 'chunkSize' | 'chunkOverlap'>): SplitSettings {
  const parsed = schema.safeParse(options);
  if (!parsed.success) throw new UsageError(`Wrong options for PDF: ${z.prettifyError(parsed.error)}`);
  const { split: mode } = parsed.data;
  const model = mode === 'token' ? defaultTokenizer() : undefined;
  const chunkSize = parsed.data.chunkSize ?? Math.min(CHUNK_SIZE, model?.room ?? CHUNK_SIZE);
  const chunkOverlap = parsed.data.chunkOverlap ?? Math.min(CHUNK_OVERLAP, Math.floor(chunkSize / 10));
  if (chunkOverlap >= chunkSize)
    throw new UsageError(`--chunk-overlap=${chunkOverlap} has to be less than --chunk-size=${chunkSize}.`);
  return { mode, chunkSize, chunkOverlap, ...(model && { tokenizer: model.tokenizer }) };
}

/** For the user. */
export function splitText({ mode, chunkSize, chunkOverlap }: SplitSettings): string {
  if (mode === 'page') return 'a chunk a page';
  const unit = mode === 'token' ? `tokens of ${DEFAULT_MODEL}` : 'characters';
  return `chunks of up to ${chunkSize} ${unit}, ${chunkOverlap} of them shared with the next`;
}

function defaultTokenizer(): { readonly tokenizer: NonNullable<SplitSettings['tokenizer']>; readonly room: number } {
  const entry = catalogEntries.find(({ name }) => name === DEFAULT_MODEL);
  if (entry?.weights.runtime !== 'onnx') throw new UsageError(`--split=token needs the tokenizer of ${DEFAULT_MODEL}.`);
  const { folder } = entry.weights;
  return {
    tokenizer: { path: join(folder, 'tokenizer.json'), configPath: join(folder, 'tokenizer_config.json') },
    room: entry.maxTokens - TOKENS_AROUND,
  };
}
