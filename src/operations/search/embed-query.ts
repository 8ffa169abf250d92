import { UsageError } from '../../errors.ts';
import type { Embedder, EmbedInput } from '../../models/port.ts';

/**
 * The (D,) vector of a query, words or an image, as the model wants queries.
 *
 * @throws UsageError for what the model can't embed.
 */
export async function embedQuery(embedder: Embedder, query: EmbedInput, signal?: AbortSignal): Promise<Float32Array> {
  const { name, kinds, queryKinds = kinds } = embedder.info;
  if (query.text !== undefined && !queryKinds.includes('text'))
    throw new UsageError(
      `The model ${name} can't embed words: its folder has no text tower that is known (onnx/text_model.onnx and ` +
        'tokenizer.json of a CLIP model).',
    );
  if (query.image !== undefined && !queryKinds.includes('image'))
    throw new UsageError(`The model ${name} can't embed images, only ${queryKinds.join(' and ')}.`);
  const result = await embedder.embed([query], { as: 'query', ...(signal && { signal }) });
  const fault = result.faults.get(0);
  if (fault !== undefined) throw fault;
  return result.vectors;
}
