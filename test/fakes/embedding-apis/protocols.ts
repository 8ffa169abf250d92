import { z } from 'zod';
import { base64Of, bearerKey, imageOfDataUri, kindOf, listed, type FakeInput, type Protocol } from './protocol.ts';

/** https://platform.openai.com/docs/api-reference/embeddings/create */
const openaiBody = z.strictObject({
  model: z.enum(['text-embedding-3-small', 'text-embedding-3-large']),
  input: z.array(z.string().min(1)).min(1).max(2048),
  encoding_format: z.enum(['float', 'base64']).default('float'),
  dimensions: z.int().positive().max(3072),
  user: z.string().optional(),
});

const openaiError = (status: number, message: string): unknown => ({
  error: { message, type: status === 429 ? 'requests' : 'invalid_request_error', param: null, code: null },
});

const openai: Protocol = {
  method: 'POST',
  path: /^\/openai\/embeddings$/,
  key: bearerKey,
  schema: openaiBody,
  understand: ({ input, dimensions, encoding_format: format, model }: z.output<typeof openaiBody>) => ({
    inputs: input.map((text) => ({ text })),
    dimension: dimensions,
    answer: (vectors, tokens) =>
      listed(format === 'base64' ? vectors.map(base64Of) : vectors, {
        model,
        usage: { prompt_tokens: tokens, total_tokens: tokens },
      }),
  }),
  error: openaiError,
};

/** A server such as llama.cpp's: no base64, no `dimensions`. */
const compatibleBody = z.strictObject({
  model: z.literal('acme/embed'),
  input: z.array(z.string()).min(1).max(64),
  encoding_format: z.literal('float').optional(),
});
const compatible: Protocol = {
  method: 'POST',
  path: /^\/compatible\/v1\/embeddings$/,
  schema: compatibleBody,
  understand: ({ input, model }: z.output<typeof compatibleBody>) => ({
    inputs: input.map((text) => ({ text })),
    dimension: 48,
    answer: (vectors) => listed(vectors, { model }),
  }),
  error: openaiError,
};

/** https://api.jina.ai/redoc */
const jinaBody = z.strictObject({
  model: z.enum(['jina-clip-v2', 'jina-embeddings-v4']),
  input: z.array(z.union([z.strictObject({ text: z.string().min(1) }), z.strictObject({ image: z.string() })])).min(1),
  task: z.enum(['retrieval.query', 'retrieval.passage', 'text-matching', 'code.query', 'code.passage']).optional(),
  dimensions: z.int().min(64).max(2048).optional(),
  normalized: z.boolean().optional(),
  embedding_type: z.enum(['float', 'base64', 'binary', 'ubinary']).optional(),
  truncate: z.boolean().optional(),
});
const jina: Protocol = {
  method: 'POST',
  path: /^\/jina\/embeddings$/,
  key: bearerKey,
  schema: jinaBody.refine(
    ({ model, task }) => model !== 'jina-clip-v2' || task === undefined || task === 'retrieval.query',
  ),
  understand: ({ input, dimensions = 1024, model }: z.output<typeof jinaBody>) => ({
    inputs: input.map((each): FakeInput => {
      if ('text' in each) return { text: each.text };
      const image = Buffer.from(each.image, 'base64');
      if (kindOf(image) === 'unknown') throw new Error('no image');
      return { image };
    }),
    dimension: dimensions,
    answer: (vectors, tokens) => listed(vectors, { model, usage: { total_tokens: tokens } }),
  }),
  error: (_status, message) => ({ detail: message }),
};

/** https://docs.voyageai.com/reference/embeddings-api */
const voyageTextBody = z.strictObject({
  model: z.enum(['voyage-3.5']),
  input: z.array(z.string().min(1)).min(1).max(1000),
  input_type: z.enum(['query', 'document']).nullish(),
  truncation: z.boolean().optional(),
  output_dimension: z.union([z.literal(256), z.literal(512), z.literal(1024), z.literal(2048)]),
  output_dtype: z.literal('float').optional(),
  encoding_format: z.literal('base64').nullish(),
});
const voyageText: Protocol = {
  method: 'POST',
  path: /^\/voyage\/embeddings$/,
  key: bearerKey,
  schema: voyageTextBody,
  understand: (body: z.output<typeof voyageTextBody>) => ({
    inputs: body.input.map((text) => ({ text })),
    dimension: body.output_dimension,
    answer: (vectors, tokens) =>
      listed(body.encoding_format === 'base64' ? vectors.map(base64Of) : vectors, {
        model: body.model,
        usage: { total_tokens: tokens },
      }),
  }),
  error: (_status, message) => ({ detail: message }),
};

/** https://docs.voyageai.com/reference/multimodal-embeddings-api */
const voyageParts = z
  .array(
    z.union([
      z.strictObject({ type: z.literal('text'), text: z.string().min(1) }),
      z.strictObject({ type: z.literal('image_base64'), image_base64: z.string() }),
    ]),
  )
  .min(1);
const voyageMultimodalBody = z.union([
  z.strictObject({
    model: z.literal('voyage-multimodal-3'),
    inputs: z
      .array(z.strictObject({ content: voyageParts }))
      .min(1)
      .max(1000),
    input_type: z.enum(['query', 'document']).nullish(),
    truncation: z.boolean().optional(),
    output_encoding: z.literal('base64').nullish(),
  }),
  z.strictObject({
    model: z.literal('voyage-multimodal-3.5'),
    inputs: z
      .array(z.strictObject({ content: voyageParts }))
      .min(1)
      .max(1000),
    input_type: z.enum(['query', 'document']).nullish(),
    truncation: z.boolean().optional(),
    output_encoding: z.literal('base64').nullish(),
    output_dimension: z.union([z.literal(256), z.literal(512), z.literal(1024), z.literal(2048)]),
  }),
]);
const voyageMultimodal: Protocol = {
  method: 'POST',
  path: /^\/voyage\/multimodalembeddings$/,
  key: bearerKey,
  schema: voyageMultimodalBody,
  understand: (body: z.output<typeof voyageMultimodalBody>) => ({
    inputs: body.inputs.map(({ content }) =>
      joined(content.map((part) => (part.type === 'text' ? part : { url: part.image_base64 }))),
    ),
    dimension: 'output_dimension' in body ? body.output_dimension : 1024,
    answer: (vectors, tokens) =>
      listed(vectors, { model: body.model, usage: { text_tokens: tokens, image_pixels: 0, total_tokens: tokens } }),
  }),
  error: (_status, message) => ({ detail: message }),
};

/** https://docs.cohere.com/reference/embed (v2) */
const cohereBody = z.strictObject({
  model: z.literal('embed-v4.0'),
  input_type: z.enum(['search_document', 'search_query', 'classification', 'clustering', 'image']),
  inputs: z
    .array(
      z.strictObject({
        content: z
          .array(
            z.union([
              z.strictObject({ type: z.literal('text'), text: z.string().min(1) }),
              z.strictObject({ type: z.literal('image_url'), image_url: z.strictObject({ url: z.string() }) }),
            ]),
          )
          .min(1),
      }),
    )
    .min(1)
    .max(96),
  embedding_types: z.tuple([z.literal('float')]),
  output_dimension: z.union([z.literal(256), z.literal(512), z.literal(1024), z.literal(1536)]).optional(),
  truncate: z.enum(['NONE', 'START', 'END']).optional(),
  max_tokens: z.int().optional(),
});
const cohere: Protocol = {
  method: 'POST',
  path: /^\/cohere\/embed$/,
  key: bearerKey,
  schema: cohereBody,
  understand: ({ inputs, output_dimension: dimension = 1536 }: z.output<typeof cohereBody>) => ({
    inputs: inputs.map(({ content }) =>
      joined(content.map((part) => (part.type === 'text' ? part : { url: part.image_url.url }))),
    ),
    dimension,
    answer: (vectors, tokens) => ({
      id: 'e1',
      embeddings: { float: vectors },
      texts: [],
      meta: { api_version: { version: '2' }, billed_units: { input_tokens: tokens } },
      response_type: 'embeddings_by_type',
    }),
  }),
  error: (_status, message) => ({ id: 'e1', message }),
};

/** https://ai.google.dev/api/embeddings */
const geminiBody = z.strictObject({
  requests: z
    .array(
      z.strictObject({
        model: z.literal('models/gemini-embedding-001'),
        content: z.strictObject({ parts: z.array(z.strictObject({ text: z.string().min(1) })).length(1) }),
        taskType: z.enum(['RETRIEVAL_QUERY', 'RETRIEVAL_DOCUMENT', 'SEMANTIC_SIMILARITY']).optional(),
        title: z.string().optional(),
        outputDimensionality: z.int().min(128).max(3072).optional(),
      }),
    )
    .min(1)
    .max(100),
});
const googleError = (status: number, message: string): unknown => ({
  error: { code: status, message, status: status === 400 ? 'INVALID_ARGUMENT' : 'UNKNOWN' },
});
const gemini: Protocol = {
  method: 'POST',
  path: /^\/gemini\/models\/gemini-embedding-001:batchEmbedContents$/,
  key: (headers) => headers['x-goog-api-key']?.toString(),
  schema: geminiBody,
  understand: ({ requests }: z.output<typeof geminiBody>) => ({
    inputs: requests.map(({ content }) => ({ text: content.parts[0]?.text ?? '' })),
    dimension: requests[0]?.outputDimensionality ?? 3072,
    answer: (vectors) => ({ embeddings: vectors.map((values) => ({ values })) }),
  }),
  error: googleError,
};

/** https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/multimodal-embeddings-api */
const vertexBody = z.strictObject({
  instances: z
    .array(
      z
        .strictObject({
          text: z.string().min(1).optional(),
          image: z.strictObject({ bytesBase64Encoded: z.string(), mimeType: z.string().optional() }).optional(),
        })
        .refine(({ text, image }) => text !== undefined || image !== undefined),
    )
    .length(1),
  parameters: z.strictObject({ dimension: z.union([z.literal(128), z.literal(256), z.literal(512), z.literal(1408)]) }),
});
const vertex: Protocol = {
  method: 'POST',
  path: /^\/vertex\/projects\/acme\/locations\/us-central1\/publishers\/google\/models\/multimodalembedding@001:predict$/,
  key: bearerKey,
  schema: vertexBody,
  understand: ({ instances, parameters }: z.output<typeof vertexBody>) => {
    const [instance] = instances;
    const { text, image } = instance ?? {};
    const parts: FakeInput[] = [
      ...(text === undefined ? [] : [{ text }]),
      ...(image === undefined ? [] : [{ image: Buffer.from(image.bytesBase64Encoded, 'base64') }]),
    ];
    return {
      inputs: parts,
      dimension: parameters.dimension,
      answer: (vectors) => ({
        predictions: [
          {
            ...(text !== undefined && { textEmbedding: vectors[0] }),
            ...(image !== undefined && { imageEmbedding: vectors.at(-1) }),
          },
        ],
        deployedModelId: '1',
      }),
    };
  },
  error: googleError,
};

/** https://huggingface.github.io/text-embeddings-inference */
const teiBody = z.strictObject({
  inputs: z.array(z.string().min(1)).min(1).max(8),
  normalize: z.boolean().optional(),
  truncate: z.boolean().nullish(),
  truncation_direction: z.enum(['left', 'right']).optional(),
  prompt_name: z.string().nullish(),
  dimensions: z.int().positive().optional(),
});
const teiError = (_status: number, message: string): unknown => ({ error: message, error_type: 'Validation' });
const tei: Protocol = {
  method: 'POST',
  path: /^\/tei\/embed$/,
  schema: teiBody,
  understand: ({ inputs, dimensions = 40 }: z.output<typeof teiBody>) => ({
    inputs: inputs.map((text) => ({ text })),
    dimension: dimensions,
    answer: (vectors) => vectors,
  }),
  headers: (tokens) => ({ 'x-compute-tokens': String(tokens) }),
  error: teiError,
};
const teiInfo: Protocol = {
  method: 'GET',
  path: /^\/tei\/info$/,
  facts: {
    ...{ model_id: 'acme/small', model_sha: 'a1b2c3', model_dtype: 'float16', auto_truncate: false, version: '1.7.1' },
    model_type: { embedding: { pooling: 'cls' } },
    ...{ max_concurrent_requests: 512, max_input_length: 512, max_batch_tokens: 16384, max_client_batch_size: 8 },
    tokenization_workers: 2,
  },
  error: teiError,
};

/** https://github.com/michaelfeil/infinity, fastapi_schemas */
const infinityBody = z.strictObject({
  model: z.literal('acme/small'),
  input: z.array(z.string()).min(1).max(2048),
  encoding_format: z.enum(['float', 'base64']).default('float'),
  modality: z.literal('text').optional(),
  dimensions: z.int().optional(),
  user: z.string().optional(),
});
const infinity: Protocol = {
  method: 'POST',
  path: /^\/infinity\/embeddings$/,
  schema: infinityBody,
  understand: ({ input, encoding_format: format, dimensions = 24 }: z.output<typeof infinityBody>) => ({
    inputs: input.map((text) => ({ text })),
    dimension: dimensions,
    answer: (vectors, tokens) =>
      listed(format === 'base64' ? vectors.map(base64Of) : vectors, {
        ...{ model: 'acme/small', id: 'infinity-1', created: 1 },
        usage: { prompt_tokens: tokens, total_tokens: tokens },
      }),
  }),
  error: openaiError,
};

/** https://github.com/ollama/ollama/blob/main/docs/api.md */
const ollamaBody = z.strictObject({
  model: z.string(),
  input: z.array(z.string()).min(1),
  truncate: z.boolean().optional(),
  dimensions: z.int().optional(),
  keep_alive: z.string().optional(),
  options: z.strictObject({}).optional(),
});
const ollamaError = (_status: number, message: string): unknown => ({ error: message });
const ollama: Protocol = {
  method: 'POST',
  path: /^\/ollama\/api\/embed$/,
  schema: ollamaBody,
  understand: ({ input, model, dimensions = 32 }: z.output<typeof ollamaBody>) => ({
    inputs: input.map((text) => ({ text })),
    dimension: dimensions,
    answer: (vectors, tokens) => ({ model, embeddings: vectors, total_duration: 1, prompt_eval_count: tokens }),
  }),
  error: ollamaError,
};
const ollamaTags: Protocol = {
  method: 'GET',
  path: /^\/ollama\/api\/tags$/,
  facts: { models: [{ name: 'acme-embed:latest', model: 'acme-embed:latest', digest: 'sha256:77', size: 1 }] },
  error: ollamaError,
};

/** https://developers.google.com/identity/protocols/oauth2/service-account */
const tokens: Protocol = {
  method: 'POST',
  path: /^\/google\/token$/,
  schema: z.strictObject({
    grant_type: z.literal('urn:ietf:params:oauth:grant-type:jwt-bearer'),
    assertion: z.string().regex(/^[\w-]+\.[\w-]+\.[\w-]+$/),
  }),
  facts: { access_token: 'a-key-that-is-right', expires_in: 3600, token_type: 'Bearer' },
  error: googleError,
};

export const PROTOCOLS: readonly Protocol[] = [
  ...[openai, compatible, jina, voyageText, voyageMultimodal, cohere, gemini, vertex],
  ...[tei, teiInfo, infinity, ollama, ollamaTags, tokens],
];

function joined(parts: readonly ({ readonly text: string } | { readonly url: string })[]): FakeInput {
  const text = parts.find((part) => 'text' in part);
  const image = parts.find((part) => 'url' in part);
  return {
    ...(text !== undefined && { text: text.text }),
    ...(image !== undefined && { image: imageOfDataUri(image.url) }),
  };
}
