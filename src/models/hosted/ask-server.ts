import { z } from 'zod';
import { PipelineError, UsageError } from '../../errors.ts';
import type { CatalogEntry, HostedWeights } from '../catalog/entry.ts';
import { CANARY_TEXTS } from './hosted-canary.ts';
import { baseUrl, type Environment } from './environment.ts';
import { providerFailed } from './hosted-errors.ts';
import { NetworkFault, openConnection, type HttpConnection } from './http-connection.ts';
import { makeProvider } from './make-provider.ts';
import { AnswerFault } from './provider.ts';
import { dimensionOf } from './read-vectors.ts';
import { refusalOf } from './refusal.ts';
import { ANY_LENGTH, SERVERS } from './server-entry.ts';

export type ServerModel = CatalogEntry & { readonly weights: HostedWeights };

/** What a server said in this process: creating, describing and reconciling a model need not ask each. */
const known = new Map<string, Promise<ServerModel>>();

/**
 * The same model with what its server says of it: dimension, longest input, revision. Models that are no server's come
 * back as they are.
 *
 * @throws UsageError where the server is not known, or serves another model.
 * @throws PipelineError HOSTED_UNAVAILABLE, HOSTED_KEY_REFUSED, HOSTED_REQUEST_REFUSED.
 */
export async function askServer(model: ServerModel, environment: Environment): Promise<ServerModel> {
  const { provider, model: served } = model.weights;
  if (!(SERVERS as readonly string[]).includes(provider)) return model;
  const variable = `${provider.replace('-', '_').toUpperCase()}_BASE_URL`;
  const key = JSON.stringify([provider, served, model.dimension, model.prefixes, environment[variable]]);
  const asked = known.get(key) ?? ask(model, environment);
  known.set(key, asked);
  asked.catch(() => known.delete(key));
  return asked;
}

async function ask(model: ServerModel, environment: Environment): Promise<ServerModel> {
  const connection = openConnection(environment);
  try {
    const facts = await factsOf(model.weights, environment, connection);
    const { maxItems, revision, maxTokens } = facts;
    const told: ServerModel = {
      ...model,
      ...(maxTokens !== undefined && { maxTokens }),
      weights: {
        ...model.weights,
        ...(maxItems !== undefined && { maxItems }),
        ...(revision !== undefined && { revision }),
      },
    };
    if (told.dimension > 0) return told;
    const dimension = await dimensionAt(told, environment, connection);
    return { ...told, dimension, matryoshka: { ...ANY_LENGTH, full: dimension } };
  } finally {
    await connection.close();
  }
}

interface ServerFacts {
  readonly maxTokens?: number;
  readonly maxItems?: number;
  readonly revision?: string;
}

const teiInfo = z.object({
  model_id: z.string(),
  model_sha: z.string().nullish(),
  max_input_length: z.number().int().positive(),
  max_client_batch_size: z.number().int().positive(),
});
const ollamaTags = z.object({ models: z.array(z.object({ name: z.string(), digest: z.string() })) });

async function factsOf(
  { provider, model }: HostedWeights,
  environment: Environment,
  connection: HttpConnection,
): Promise<ServerFacts> {
  if (provider === 'tei') {
    const base = baseUrl(environment, 'TEI_BASE_URL', 'http://127.0.0.1:8080');
    const info = await asked(connection, { provider, model, url: `${base}/info` }, teiInfo);
    if (info.model_id !== model)
      throw new UsageError(`The server at ${base} serves ${info.model_id}: use --model=tei:${info.model_id}.`);
    return {
      maxTokens: info.max_input_length,
      maxItems: info.max_client_batch_size,
      ...(typeof info.model_sha === 'string' && { revision: info.model_sha }),
    };
  }
  if (provider === 'ollama') {
    const base = baseUrl(environment, 'OLLAMA_BASE_URL', 'http://127.0.0.1:11434');
    const { models } = await asked(connection, { provider, model, url: `${base}/api/tags` }, ollamaTags);
    const found = models.find(({ name }) => name === model || name === `${model}:latest`);
    if (found === undefined) {
      const names = models.map(({ name }) => name).join(', ');
      throw new UsageError(
        `Ollama at ${base} has no model ${model} (it has ${names || 'none'}): "ollama pull ${model}" gets it.`,
      );
    }
    return { revision: found.digest };
  }
  return {};
}

interface Question {
  readonly provider: string;
  readonly model: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

async function asked<Schema extends z.ZodType>(
  connection: HttpConnection,
  question: Question,
  schema: Schema,
): Promise<z.output<Schema>> {
  const parsed = schema.safeParse((await answered(connection, question)).json);
  if (parsed.success) return parsed.data;
  const what = `${question.url} has an answer of another form`;
  throw providerFailed('HOSTED_REQUEST_REFUSED', question.model, question.provider, what);
}

async function answered(
  connection: HttpConnection,
  { provider, model, url, headers = {}, body }: Question,
): Promise<{ readonly json: unknown; readonly headers: Readonly<Record<string, string>> }> {
  const signal = new AbortController().signal;
  try {
    const answer = await connection.send({ url, headers, signal, ...(body !== undefined && { body }) });
    if (answer.status === 200) return { json: JSON.parse(answer.body) as unknown, headers: answer.headers };
    const refusal = refusalOf(answer, Date.now());
    const code = refusal.kind === 'stop' ? refusal.code : 'HOSTED_REQUEST_REFUSED';
    throw providerFailed(code, model, provider, `${url}: ${refusal.what}`);
  } catch (error) {
    if (error instanceof PipelineError) throw error;
    const what = error instanceof NetworkFault ? error.message : 'its answer is no JSON';
    throw providerFailed('HOSTED_UNAVAILABLE', model, provider, `${url}: ${what}`);
  }
}

async function dimensionAt(
  { weights, name }: ServerModel,
  environment: Environment,
  connection: HttpConnection,
): Promise<number> {
  const provider = makeProvider(weights.provider, { model: weights.model, dimension: 0, environment }, connection);
  const [text] = CANARY_TEXTS;
  const items = [{ text }];
  const { url, body } = provider.request(items, 'document');
  const headers = await provider.headers(new AbortController().signal);
  const question = { provider: provider.name, model: name, url, headers, body: JSON.stringify(body) };
  const answer = await answered(connection, question);
  try {
    const raw = provider.parse(answer.json, items, answer.headers).vectors[0]?.[0];
    const dimension = raw === undefined ? 0 : dimensionOf(raw);
    if (dimension > 0) return dimension;
    throw new AnswerFault('it holds no vector');
  } catch (error) {
    if (!(error instanceof AnswerFault)) throw error;
    throw providerFailed('HOSTED_REQUEST_REFUSED', name, provider.name, `its answer is unusable: ${error.message}`);
  }
}
