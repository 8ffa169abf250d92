import { randomUUID } from 'node:crypto';
import { modelField } from '../../../../src/sinks/stores/elasticsearch/fields.ts';

export type Document = Record<string, unknown> & {
  embeddings?: Record<string, number[]>;
  embedded?: Record<string, { createdAt: number }>;
};

interface Hit {
  readonly _id: string;
  readonly _index: string;
  readonly _source: Document;
}

interface Found {
  readonly error?: unknown;
  readonly hits: { readonly hits: readonly Hit[] };
}

/** Elasticsearch as its users see it, with nothing of the sink between. */
export class PlainClient {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  /** @throws for every status from 400 on that is not allowed. */
  async ask<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    allowed: readonly number[] = [],
  ): Promise<T> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      ...(body !== undefined && {
        headers: { 'content-type': typeof body === 'string' ? 'application/x-ndjson' : 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    });
    const text = await response.text();
    if (response.status >= 400 && !allowed.includes(response.status))
      throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text === '' ? '{}' : text) as T;
  }

  /** What a search finds, by id, vectors and all. */
  async documents(alias: string, query: unknown = { match_all: {} }): Promise<Map<string, Document>> {
    await this.ask('POST', `/${alias}/_refresh`);
    const body = { size: 10_000, query };
    const asked = '_source_exclude_vectors=false';
    let found = await this.ask<Found>('POST', `/${alias}/_search?${asked}`, body, [400]);
    // Before 9.2 vectors are always there.
    if (found.error !== undefined) found = await this.ask('POST', `/${alias}/_search`, body);
    const { hits } = found;
    return new Map(hits.hits.map(({ _id, _source }) => [_id, _source]));
  }

  async vectors(alias: string, model: string): Promise<Map<string, number[]>> {
    const field = modelField(model);
    const found = await this.documents(alias, { exists: { field: `embedded.${field}.createdAt` } });
    return new Map(Array.from(found, ([id, { embeddings }]) => [id, embeddings?.[field] ?? []]));
  }

  /** The indices that have the alias. */
  async indicesOf(alias: string): Promise<string[]> {
    return Object.keys(await this.ask('GET', `/_alias/${alias}`, undefined, [404])).filter((name) =>
      name.startsWith(alias),
    );
  }

  /** All indices of an alias's name, the alias's own or not. */
  async versionsOf(alias: string): Promise<string[]> {
    return Object.keys(await this.ask('GET', `/${alias}-*`)).sort();
  }

  async removeAll(alias: string): Promise<void> {
    const names = await this.versionsOf(alias);
    for (const name of names) await this.ask('DELETE', `/${name}`, undefined, [404]);
  }
}

export function newAlias(): string {
  return `test-${randomUUID().slice(0, 8)}-x`;
}
