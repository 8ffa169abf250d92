import { describe, expect, it } from 'vitest';
import { describeModelFacts, reach } from '../../../src/cli/stages/models-text.ts';
import { findModel } from '../../../src/models/catalog/find-model.ts';

describe('describeModelFacts', () => {
  it.each([
    ['text-embedding-3-small', /key +OPENAI_API_KEY\nprice +\$0\.02 for a million tokens on 2026-11-21 {2}\[https:/],
    ['cohere_embed_4', /key +COHERE_API_KEY or CO_API_KEY\nprice +not known: --price-per-million-tokens/],
    ['cohere_embed_4', /prefixes +none: the API is told/],
    ['text-embedding-3-small', /prefixes +none\n/],
    ['google_vertex_multimodal', /key +VERTEX_ACCESS_TOKEN or the Application Default Credentials of Google\n/],
    ['ollama:m', /dimension +as the server has it\nmax tokens +as the server has it\n(?!.*price)/s],
    ['ollama:m', /key +OLLAMA_API_KEY, where the server wants one$/],
    ['ollama:m?dimensions=16', /dimension +16\nmax tokens +as the server has it\n/],
    ['jina-clip-v2', /"Represent the query for retrieving evidence documents: " before a query {2}\[https:/],
    ['hashed-384', /^(?!.*key).*max tokens +any\n/s],
  ])('of %s', async (model, facts) => {
    expect(describeModelFacts(await findModel(model), undefined)).toMatch(facts);
  });
});

describe('reach', () => {
  it('is in words', () => {
    expect([reach(256), reach(2 ** 31 - 1)]).toEqual(['up to 256 tokens', 'texts of any length']);
  });
});
