import { createRequire } from 'node:module';
import type * as Api from '@kafkajs/confluent-schema-registry/dist/api/index.js';
import { z } from 'zod';
import { PipelineError } from '../errors.ts';
import { withRetries, type RetryOptions } from '../log/retry.ts';
import { CLIENT_ID, faultOf } from './confluent-fault.ts';
import { addressOf, DEFAULT_TIMEOUT_MS, REGISTRY_RETRY, type RegistryConnection } from './registry-connection.ts';
import { notARegistry, registryRefused } from './registry-errors.ts';

const subjectsAnswer = z.array(z.string());
const idAnswer = z.object({ id: z.int().min(0).max(0xffff_ffff) });
const schemaAnswer = z.object({ schema: z.string(), schemaType: z.string().optional() });
const levelAnswer = z.object({ compatibilityLevel: z.string() });
const checkAnswer = z.object({ is_compatible: z.boolean(), messages: z.array(z.string()).nullish() });

type Params = NonNullable<Parameters<Api.SchemaRegistryAPIClient['Subject']['all']>[0]>;
type Request = (client: Api.SchemaRegistryAPIClient, params: Params) => Promise<Answer>;
interface Answer {
  data(): unknown;
}

/**
 * The requests that we make of a registry with the Confluent API. Each is made again while it fails in a way that may
 * pass, and answers undefined where the registry says that there is no such thing.
 *
 * Errors: REGISTRY_UNREACHABLE (retriable), REGISTRY_NOT_AUTHORIZED, REGISTRY_REFUSED, REGISTRY_NOT_CONFLUENT.
 */
export class ConfluentApi {
  /** The registry's address without secrets, for messages. */
  readonly where: string;
  readonly #auth: { readonly username: string; readonly password: string } | undefined;
  readonly #timeoutMs: number;
  readonly #retry: RetryOptions;
  #client: Api.SchemaRegistryAPIClient | undefined;
  #checked: Promise<void> | undefined;

  /** Sends nothing yet. Errors: USAGE (not a URL of a registry). */
  constructor(connection: RegistryConnection) {
    const { where, auth } = addressOf(connection);
    this.where = where;
    this.#auth = auth;
    this.#timeoutMs = connection.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#retry = { ...REGISTRY_RETRY, ...connection.retry };
  }

  /** The schema behind an id. */
  async schemaOf(id: number, signal?: AbortSignal): Promise<z.infer<typeof schemaAnswer> | undefined> {
    await this.#check(signal);
    return this.#ask(`for the schema of id ${id}`, schemaAnswer, (c, p) => c.Schema.find(p), { id }, signal);
  }

  /** The id under which a subject has this very schema. */
  async idOf(subject: string, schema: string): Promise<number | undefined> {
    await this.#check();
    const what = `whether subject "${subject}" has our schema`;
    const answer = await this.#ask(what, idAnswer, (c, p) => c.Subject.registered(p), { subject, body: { schema } });
    return answer?.id;
  }

  async latestSchema(subject: string): Promise<string | undefined> {
    await this.#check();
    const what = `for the latest schema of subject "${subject}"`;
    return (await this.#ask(what, schemaAnswer, (c, p) => c.Subject.latestVersion(p), { subject }))?.schema;
  }

  async register(subject: string, schema: string): Promise<number> {
    const what = `to register a schema for subject "${subject}"`;
    const answer = await this.#ask(what, idAnswer, (c, p) => c.Subject.register(p), { subject, body: { schema } });
    if (answer === undefined) throw registryRefused(this.where, what, 'it answers that there is no such subject');
    return answer.id;
  }

  /** The compatibility that was set for the subject itself, in capitals. */
  async compatibilityOf(subject: string): Promise<string | undefined> {
    const what = `for the compatibility of subject "${subject}"`;
    const answer = await this.#ask(what, levelAnswer, (c, p) => c.Subject.config(p), { subject });
    return answer?.compatibilityLevel.toUpperCase();
  }

  /** False where the registry knows no such subject (yet). */
  async setCompatibility(subject: string, compatibility: 'BACKWARD'): Promise<boolean> {
    const what = `to set the compatibility of subject "${subject}"`;
    const params = { subject, body: { compatibility } };
    const set = async (): Promise<boolean> =>
      (await this.#ask(what, z.unknown(), (c, p) => c.Subject.updateConfig(p), params)) !== undefined;
    try {
      return await set();
    } catch (error) {
      // 409 has nothing to do with schemas here: another process has set it at this very moment (Apicurio).
      if (error instanceof PipelineError && error.code === 'REGISTRY_INCOMPATIBLE') return set();
      throw error;
    }
  }

  /** What is incompatible, in the registry's words; undefined where all is well. */
  async incompatibilities(subject: string, schema: string): Promise<readonly string[] | undefined> {
    const what = `whether our schema is compatible with subject "${subject}"`;
    const params = { subject, version: 'latest', verbose: true, body: { schema } };
    const answer = await this.#ask(what, checkAnswer, (c, p) => c.Subject.compatible(p), params);
    return answer?.is_compatible === false ? (answer.messages ?? []) : undefined;
  }

  /** Once: a wrong path answers 404 to everything, which must not look like ids that do not exist. */
  async #check(signal?: AbortSignal): Promise<void> {
    this.#checked ??= this.#list(signal);
    try {
      await this.#checked;
    } catch (error) {
      this.#checked = undefined;
      throw error;
    }
  }

  async #list(signal?: AbortSignal): Promise<void> {
    const what = 'for its subjects';
    const subjects = await this.#ask(what, subjectsAnswer, (c, p) => c.Subject.all(p), {}, signal);
    if (subjects === undefined) throw notARegistry(this.where, what, 'it answers 404');
  }

  async #ask<Result>(
    what: string,
    shape: z.ZodType<Result>,
    request: Request,
    params: Params,
    signal?: AbortSignal,
  ): Promise<Result | undefined> {
    const client = (this.#client ??= this.#connect());
    const attempt = async (): Promise<Result | undefined> => {
      try {
        const answer = await this.#attempt((deadline) => request(client, { ...params, signal: deadline }), signal);
        return this.#parse(what, shape, answer.data());
      } catch (error) {
        const fault = faultOf(this.where, what, error);
        if (fault !== undefined) throw fault;
        return undefined;
      }
    };
    return withRetries(attempt, signal, this.#retry);
  }

  #parse<Result>(what: string, shape: z.ZodType<Result>, data: unknown): Result {
    const parsed = shape.safeParse(data);
    if (parsed.success) return parsed.data;
    throw notARegistry(this.where, what, `it answers ${JSON.stringify({ data }).slice(8, 208)}`);
  }

  /** With a deadline of our own: the client never settles when the connection is cut in the middle of an answer. */
  async #attempt(call: (signal: AbortSignal) => Promise<Answer>, signal: AbortSignal | undefined): Promise<Answer> {
    const given = new AbortController();
    const { promise: deadline, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      reject(new Error(`no whole answer within ${this.#timeoutMs} ms`));
      given.abort();
    }, this.#timeoutMs);
    try {
      const either = signal === undefined ? given.signal : AbortSignal.any([given.signal, signal]);
      return await Promise.race([call(either), deadline]);
    } finally {
      clearTimeout(timer);
    }
  }

  #connect(): Api.SchemaRegistryAPIClient {
    // When the first request is made, and the client alone: the package's entry loads codecs that take 100 ms.
    const api = createRequire(import.meta.url)(
      '@kafkajs/confluent-schema-registry/dist/api/index.js',
    ) as typeof Api.default;
    return api.default({
      host: this.where,
      clientId: CLIENT_ID,
      retry: { retries: 0 },
      ...(this.#auth && { auth: this.#auth }),
    });
  }
}
