/** The worker thread for texts: tokenises them and runs batches. */
import { workerData } from 'node:worker_threads';
import { messageOf } from '../../errors.ts';
import type { TextRequest, TextWorkerSettings, TokenisedTexts } from './messages.ts';
import { OnnxEncoder } from './onnx-encoder.ts';
import { serveWorker } from './serve-worker.ts';
import { TextTokenizer } from './text-tokenizer.ts';

function tokeniseAll(tokenizer: TextTokenizer, texts: readonly string[]): TokenisedTexts {
  const lengths = new Uint32Array(texts.length);
  const truncated = new Uint8Array(texts.length);
  const refused: [number, string][] = [];
  const ids: number[] = [];
  texts.forEach((text, index) => {
    try {
      const tokenised = tokenizer.tokenise(text);
      for (const id of tokenised.ids) ids.push(id);
      lengths[index] = tokenised.ids.length;
      truncated[index] = tokenised.truncated ? 1 : 0;
    } catch (error) {
      refused.push([index, messageOf(error)]);
    }
  });
  return { ids: Int32Array.from(ids), lengths, truncated, refused };
}

serveWorker<TextRequest>(async () => {
  // InferenceWorkers started it with them.
  const settings = workerData as TextWorkerSettings;
  const tokenizer = new TextTokenizer(settings);
  const encoder = await OnnxEncoder.load(settings);
  return {
    pads: encoder.pads,
    answer: async (request) => {
      const { id } = request;
      if (request.kind === 'tokenise') {
        return { reply: { kind: 'tokenised', id, ...tokeniseAll(tokenizer, request.texts) } };
      }
      const rows = await encoder.embed(request.ids, request.lengths);
      return { reply: { kind: 'embedded', id, ...rows }, moved: [rows.vectors.buffer as ArrayBuffer] };
    },
  };
});
