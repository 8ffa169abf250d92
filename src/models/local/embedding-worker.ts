/** The worker thread for texts: tokenises them and runs batches. */
import { workerData } from 'node:worker_threads';
import type { TextRequest, TextWorkerSettings } from './messages.ts';
import { OnnxEncoder } from './onnx-encoder.ts';
import { serveWorker } from './serve-worker.ts';
import { TextTokenizer } from './text-tokenizer.ts';
import { tokeniseTexts } from './tokenise-texts.ts';

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
        return { reply: { kind: 'tokenised', id, ...tokeniseTexts(tokenizer, request.texts, request) } };
      }
      const rows = await encoder.embed(request.ids, request.lengths);
      return { reply: { kind: 'embedded', id, ...rows }, moved: [rows.vectors.buffer as ArrayBuffer] };
    },
  };
});
