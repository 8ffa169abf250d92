import type { StoredEmbedding } from '../port.ts';
import { arrayIn, asObject, type Json, objectIn, textIn } from './answers.ts';
import type { Elastic } from './elastic.ts';
import { embeddedAtField } from './fields.ts';
import { hasEmbedding } from './mapping.ts';

const PAGE = 5_000;
const KEEP_ALIVE = '5m';

/** Every document with an embedding of the model, also those that the alias leaves out: one moment's, page by page. */
export async function* contentsOf(
  elastic: Elastic,
  {
    index,
    field,
    signal,
  }: { readonly index: string; readonly field: string; readonly signal?: AbortSignal | undefined },
): AsyncGenerator<readonly StoredEmbedding[]> {
  const createdAt = embeddedAtField(field);
  for await (const hits of pages(elastic, { index, signal, query: hasEmbedding(field), fields: [createdAt] }))
    yield hits.map((hit) => ({
      id: textIn(hit, '_id') ?? '',
      createdAt: Number(arrayIn(objectIn(hit, 'fields'), createdAt)[0]),
    }));
}

async function* pages(
  elastic: Elastic,
  search: {
    readonly index: string;
    readonly signal?: AbortSignal | undefined;
    readonly query: Json;
    readonly fields: readonly string[];
  },
): AsyncGenerator<readonly Json[]> {
  const { index, signal, query, fields } = search;
  const what = 'the contents';
  const opened = await elastic.ask({
    ...{ method: 'POST', path: `/${encodeURIComponent(index)}/_pit`, query: { keep_alive: KEEP_ALIVE }, what, signal },
  });
  let id = textIn(opened.body, 'id') ?? '';
  try {
    for (let after: readonly unknown[] = []; ;) {
      const { body } = await elastic.ask({
        ...{ method: 'POST', path: '/_search', what, signal },
        body: {
          ...{ size: PAGE, query, _source: false, track_total_hits: false, sort: [{ _shard_doc: 'asc' }] },
          fields: fields.map((field) => ({ field, format: 'epoch_millis' })),
          pit: { id, keep_alive: KEEP_ALIVE },
          ...(after.length > 0 && { search_after: after }),
        },
      });
      id = textIn(body, 'pit_id') ?? id;
      const hits = arrayIn(objectIn(body, 'hits'), 'hits').flatMap((hit): Json[] =>
        [asObject(hit)].filter((each) => each !== undefined),
      );
      if (hits.length > 0) yield hits;
      if (hits.length < PAGE) return;
      after = arrayIn(hits.at(-1), 'sort');
    }
  } finally {
    // Left open it ends by itself, and holds the files of its moment until then.
    await elastic.send({ method: 'DELETE', path: '/_pit', body: { id }, what }).catch(() => undefined);
  }
}
