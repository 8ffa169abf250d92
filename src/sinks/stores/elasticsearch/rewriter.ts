import type { PipelineError } from '../../../errors.ts';
import { arrayIn, asObject, type Json, numberIn, objectIn } from './answers.ts';
import { BulkBody } from './bulk-body.ts';
import type { BulkSender, SendOptions } from './bulk-sender.ts';
import type { Rewrite } from './changes.ts';
import type { Elastic } from './elastic.ts';

/** Documents read at once: with their vectors as JSON numbers, each may have some 20 kB. */
const CHUNK = 100;

export interface RewriteItem {
  readonly id: string;
  readonly rewrite: Rewrite;
}

/** Reads documents and writes them again, each on condition that it is still what was read. */
export class Rewriter {
  readonly #elastic: Elastic;
  readonly #sender: BulkSender;
  readonly #hidesVectors: boolean;

  constructor(elastic: Elastic, sender: BulkSender, { hidesVectors }: { readonly hidesVectors: boolean }) {
    this.#elastic = elastic;
    this.#sender = sender;
    this.#hidesVectors = hidesVectors;
  }

  /** @returns what was refused, by id. */
  async apply(items: readonly RewriteItem[], options: SendOptions): Promise<Map<string, PipelineError>> {
    const refused = new Map<string, PipelineError>();
    for (let from = 0; from < items.length; from += CHUNK) {
      let open = items.slice(from, from + CHUNK);
      while (open.length > 0) open = await this.#round(open, options, refused);
    }
    return refused;
  }

  /** @returns those that somebody else has changed in between. */
  async #round(
    items: readonly RewriteItem[],
    options: SendOptions,
    refused: Map<string, PipelineError>,
  ): Promise<RewriteItem[]> {
    const present = await this.#read(items, options);
    const body = new BulkBody(0, { asBase64: false });
    const sent: RewriteItem[] = [];
    for (const [i, item] of items.entries()) {
      const found = present[i];
      const wanted = item.rewrite(found?.source);
      if (wanted === undefined || (wanted === null && found === undefined)) continue;
      body.text(actionLine(item.id, found, wanted === null));
      if (wanted !== null) body.text(`${wanted}\n`);
      body.endAction();
      sent.push(item);
    }
    if (sent.length === 0) return [];
    const ids = sent.map(({ id }) => id);
    const outcomes = await this.#sender.send(body, ids, { ...options, conditional: true });
    return sent.filter(({ id }, i) => {
      const outcome = outcomes[i];
      if (outcome?.kind === 'refused') refused.set(id, outcome.error);
      return outcome?.kind === 'conflict' || outcome?.kind === 'missing';
    });
  }

  async #read(
    items: readonly RewriteItem[],
    { alias, signal, assertOwner }: SendOptions,
  ): Promise<(Found | undefined)[]> {
    await assertOwner();
    const { body } = await this.#elastic.ask({
      ...{ method: 'POST', path: `/${encodeURIComponent(alias)}/_mget`, what: 'the reading of documents', signal },
      body: { ids: items.map(({ id }) => id) },
      ...(this.#hidesVectors && { query: { _source_exclude_vectors: false } }),
    });
    return arrayIn(body, 'docs').map((doc): Found | undefined => {
      const source = objectIn(doc, '_source');
      if (asObject(doc)?.['found'] !== true || source === undefined) return undefined;
      return { source, seqNo: numberIn(doc, '_seq_no') ?? 0, primaryTerm: numberIn(doc, '_primary_term') ?? 0 };
    });
  }
}

interface Found {
  readonly source: Json;
  readonly seqNo: number;
  readonly primaryTerm: number;
}

function actionLine(id: string, found: Found | undefined, isDeletion: boolean): string {
  const condition = found === undefined ? {} : { if_seq_no: found.seqNo, if_primary_term: found.primaryTerm };
  const action = found === undefined ? 'create' : isDeletion ? 'delete' : 'index';
  return `${JSON.stringify({ [action]: { _id: id, ...condition } })}\n`;
}
