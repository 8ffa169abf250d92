import { z } from 'zod';
import { UsageError } from '../../../errors.ts';
import { rawVector, shaped } from '../answer-shape.ts';
import { base64Of } from '../data-uri.ts';
import { baseUrl, setting } from '../environment.ts';
import { googleCredentials, type GoogleCredentials } from '../google-credentials.ts';
import type { HttpConnection } from '../http-connection.ts';
import { AnswerFault, type HostedItem, type HostedProvider, type RawVector } from '../provider.ts';
import type { ProviderOptions } from './options.ts';

const answerShape = z.object({
  predictions: z.array(z.object({ textEmbedding: rawVector.optional(), imageEmbedding: rawVector.optional() })),
});

/**
 * https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/multimodal-embeddings-api: one instance a
 * request; the text and the image of it have a vector each.
 */
export function vertex(options: ProviderOptions, connection: HttpConnection): HostedProvider {
  const { model, dimension, environment } = options;
  let held: GoogleCredentials | undefined;
  // Looked for when the first request is made.
  const credentials = (): GoogleCredentials => (held ??= googleCredentials(environment, connection));
  const location = setting(environment, 'GOOGLE_CLOUD_LOCATION', 'GOOGLE_CLOUD_REGION') ?? 'us-central1';
  const base = baseUrl(environment, 'VERTEX_BASE_URL', `https://${location}-aiplatform.googleapis.com/v1`);
  const models = (): string => {
    const project = setting(environment, 'GOOGLE_CLOUD_PROJECT') ?? credentials().projectId;
    if (project === undefined)
      throw new UsageError('Vertex AI needs to know the project: set GOOGLE_CLOUD_PROJECT in the environment.');
    return `projects/${encodeURIComponent(project)}/locations/${encodeURIComponent(location)}/publishers/google/models`;
  };
  return {
    name: 'Vertex AI',
    limits: { maxItems: 1, goodItems: 1, maxTokens: Infinity, maxBytes: 30_000_000, concurrency: 32 },
    images: {
      mimes: ['image/jpeg', 'image/png', 'image/gif'],
      maxBytes: 20_000_000,
      maxPixels: 50_000_000,
      // Images are billed apart.
      tokens: () => 0,
    },
    headers: async (signal) => ({ authorization: `Bearer ${await credentials().token(signal)}` }),
    renew: () => credentials().renew(),
    request: (items) => ({
      url: `${base}/${models()}/${model}:predict`,
      body: {
        instances: items.map(({ text, image }) => ({
          ...(text !== undefined && { text }),
          ...(image !== undefined && { image: { bytesBase64Encoded: base64Of(image), mimeType: image.mime } }),
        })),
        parameters: { dimension },
      },
    }),
    parse: (answer, items) => {
      const { predictions } = shaped(answerShape, answer);
      if (predictions.length !== items.length)
        throw new AnswerFault(`it has ${predictions.length} predictions for ${items.length} inputs`);
      return {
        vectors: items.map((item, index) => vectorsOf(item, predictions[index])),
        images: items.filter(({ image }) => image !== undefined).length,
      };
    },
  };
}

function vectorsOf(
  { text, image }: HostedItem,
  prediction: z.output<typeof answerShape>['predictions'][number] | undefined,
): RawVector[] {
  const wanted = [
    ...(text === undefined ? [] : [prediction?.textEmbedding]),
    ...(image === undefined ? [] : [prediction?.imageEmbedding]),
  ];
  const found = wanted.filter((vector) => vector !== undefined);
  if (found.length !== wanted.length) throw new AnswerFault('a prediction lacks the vector of a part that was sent');
  return found;
}
