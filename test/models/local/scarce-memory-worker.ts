/**
 * A worker without a model that has memory for 64 tokens at a time, none for a text that says "king", and for one that
 * says "river" only at the second attempt. Vectors are made of token ids.
 */
import { workerData } from 'node:worker_threads';
import { serveWorker } from '../../../src/models/local/serve-worker.ts';
import { TextTokenizer } from '../../../src/models/local/text-tokenizer.ts';
import { tokeniseTexts } from '../../../src/models/local/tokenise-texts.ts';
import type { TextRequest, TextWorkerSettings } from '../../../src/models/local/messages.ts';

const settings = workerData as TextWorkerSettings;
const tokenizer = new TextTokenizer(settings);
const [king, river] = ['king', 'river'].map((word) => tokenizer.tokenise(word).ids[1]);
let rivers = 0;

serveWorker<TextRequest>(() =>
  Promise.resolve({
    pads: false,
    answer: (request) => {
      const { id } = request;
      if (request.kind === 'tokenise') {
        const tokenised = tokeniseTexts(tokenizer, request.texts, request);
        return Promise.resolve({ reply: { kind: 'tokenised', id, ...tokenised } });
      }
      const { ids, lengths } = request;
      const isFirstRiver = lengths.length === 1 && ids.includes(river!) && rivers++ === 0;
      if (ids.length > 64 || ids.includes(king!) || isFirstRiver)
        throw new Error('Failed to allocate memory for requested buffer of size 9437184');
      const vectors = new Float32Array(lengths.length * settings.dimension);
      let position = 0;
      lengths.forEach((length, row) => {
        for (let i = 0; i < length; i++)
          vectors[row * settings.dimension + ((ids[position++] ?? 0) % settings.dimension)]! += 1;
        const at = row * settings.dimension;
        const norm = Math.hypot(...vectors.subarray(at, at + settings.dimension));
        for (let i = at; i < at + settings.dimension; i++) vectors[i]! /= norm;
      });
      return Promise.resolve({ reply: { kind: 'embedded', id, vectors, unusable: [] } });
    },
  }),
);
