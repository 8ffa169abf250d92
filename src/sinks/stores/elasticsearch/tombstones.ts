import { arrayIn, numberIn, objectIn, textIn } from './answers.ts';
import type { Elastic } from './elastic.ts';
import { hasEmbedding } from './mapping.ts';

const PAGE = 1_000;

/**
 * Removes the documents of deleted records that hold no embedding any more. They had to stay for embeddings from before the
 * deletion that were still to come; now that all of the log is in, there are none.
 */
export async function removeTombstones(elastic: Elastic, index: string, fields: readonly string[]): Promise<void> {
  const path = `/${encodeURIComponent(index)}`;
  const what = 'the removal of deleted documents';
  for (;;) {
    const found = await elastic.ask({
      ...{ method: 'POST', path: `${path}/_search`, what },
      body: {
        ...{ size: PAGE, _source: false, track_total_hits: false, seq_no_primary_term: true },
        query: { bool: { filter: { term: { deleted: true } }, must_not: fields.map(hasEmbedding) } },
      },
    });
    const hits = arrayIn(objectIn(found.body, 'hits'), 'hits');
    if (hits.length === 0) return;
    const lines = hits.map((hit) => {
      const condition = { if_seq_no: numberIn(hit, '_seq_no'), if_primary_term: numberIn(hit, '_primary_term') };
      return `${JSON.stringify({ delete: { _id: textIn(hit, '_id'), ...condition } })}\n`;
    });
    // What has changed in between is not deleted, and not found the next time.
    const query = { refresh: true, filter_path: 'errors' };
    await elastic.ask({ method: 'POST', path: `${path}/_bulk`, query, bulkBody: Buffer.from(lines.join('')), what });
  }
}
