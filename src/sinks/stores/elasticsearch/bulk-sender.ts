import type { PipelineError } from '../../../errors.ts';
import { fatalError } from '../../../errors.ts';
import { type Json, arrayIn, asObject, numberIn, objectIn, textIn } from './answers.ts';
import type { BulkBody } from './bulk-body.ts';
import type { Elastic } from './elastic.ts';
import { documentTooLarge, judgeItem, responseFault } from './faults.ts';

/** What an action came to; there is exactly one for each. */
export type Outcome =
  | {
      readonly kind: 'done';
      readonly isNew: boolean;
      /** As the document is now, of the fields that the action asked for. */
      readonly source: Json | undefined;
    }
  /** `conflict`: of a conditional action, the document is another by now. */
  | { readonly kind: 'missing' | 'conflict' }
  | { readonly kind: 'refused'; readonly error: PipelineError };

export interface SendOptions {
  /** Where the actions go: an alias that only the index has, so that no deleted index comes up again by itself. */
  readonly alias: string;
  readonly signal: AbortSignal;
  /** Awaited right before each request. */
  readonly assertOwner: () => Promise<void>;
  /** Whether a conflict is the action's outcome; otherwise it is tried again. */
  readonly conditional?: boolean;
}

const FILTER = 'errors,items.*.status,items.*.error,items.*.result,items.*.get._source';
const TOO_LARGE = 413;

/** Sends bulk requests until each of their actions has come to something. */
export class BulkSender {
  readonly #elastic: Elastic;
  #bytes = 0;

  constructor(elastic: Elastic) {
    this.#elastic = elastic;
  }

  /** Bytes of all requests, also of those that failed. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * @param ids of the documents, by action.
   * @returns (actions,) one outcome for each.
   */
  async send(body: BulkBody, ids: readonly string[], options: SendOptions): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    await this.#deliver({ body, ids, outcomes, options }, [...ids.keys()]);
    return outcomes;
  }

  async #deliver(delivery: Delivery, actions: readonly number[]): Promise<void> {
    const { options, body, ids, outcomes } = delivery;
    const patience = this.#elastic.patience(options.signal);
    let open = actions;
    while (open.length > 0) {
      const bytes = body.bytesOf(open);
      const round = await this.#round(delivery, open, bytes);
      if (round.kind === 'too-large') {
        const [first, second] = [open.slice(0, open.length / 2), open.slice(open.length / 2)];
        if (first.length > 0) {
          await this.#deliver(delivery, first);
          return this.#deliver(delivery, second);
        }
        for (const i of second) outcomes[i] = { kind: 'refused', error: documentTooLarge(ids[i] ?? '', bytes.length) };
        return;
      }
      if (round.open.length < open.length) patience.reset();
      open = round.open;
      if (round.fault !== undefined) await patience.wait(round.fault);
    }
  }

  /** One request. What is to be tried again stays open, for the reason `fault`. */
  async #round(delivery: Delivery, open: readonly number[], bytes: Buffer): Promise<Round> {
    const { alias, signal, assertOwner } = delivery.options;
    const what = 'a bulk request';
    await assertOwner();
    this.#bytes += bytes.length;
    try {
      const { status, body } = await this.#elastic.send({
        ...{ method: 'POST', path: `/${encodeURIComponent(alias)}/_bulk`, bulkBody: bytes, what, signal },
        query: { require_alias: true, filter_path: FILTER },
      });
      if (status === TOO_LARGE) return { kind: 'too-large' };
      if (status >= 300) throw responseFault(this.#elastic.where, what, status, body);
      return this.#account(delivery, open, body);
    } catch (error) {
      return { kind: 'answered', open, fault: error };
    }
  }

  #account({ ids, outcomes, options }: Delivery, sent: readonly number[], body: unknown): Round {
    const items = arrayIn(body, 'items');
    if (items.length !== sent.length)
      throw fatalError(
        'ELASTIC_REFUSED',
        `Elasticsearch at ${this.#elastic.where} answered ${items.length} of ${sent.length} actions of a bulk request.`,
      );
    const open: number[] = [];
    let fault: unknown;
    for (const [position, i] of sent.entries()) {
      // `{"update": {…}}`
      const item = Object.values(asObject(items[position]) ?? {})[0];
      const status = numberIn(item, 'status') ?? 0;
      const error = objectIn(item, 'error');
      const result = textIn(item, 'result');
      if (error === undefined && status >= 200 && status < 300) {
        outcomes[i] = { kind: 'done', isNew: result === 'created', source: objectIn(objectIn(item, 'get'), '_source') };
        continue;
      }
      if (error === undefined && result === 'not_found') {
        outcomes[i] = { kind: 'missing' };
        continue;
      }
      const verdict = judgeItem(this.#elastic.where, ids[i] ?? '', status, error ?? {});
      if (verdict.kind === 'stop') throw verdict.error;
      if (verdict.kind === 'again') {
        open.push(i);
        fault = verdict.error;
      } else if (verdict.kind === 'conflict' && options.conditional !== true) {
        // Another writer was faster, more often than the server tries by itself.
        open.push(i);
      } else if (verdict.kind === 'refused') {
        outcomes[i] = { kind: 'refused', error: verdict.error };
      } else {
        outcomes[i] = { kind: verdict.kind };
      }
    }
    return { kind: 'answered', open, fault };
  }
}

interface Delivery {
  readonly body: BulkBody;
  readonly ids: readonly string[];
  readonly outcomes: Outcome[];
  readonly options: SendOptions;
}

type Round =
  | { readonly kind: 'too-large' }
  | { readonly kind: 'answered'; readonly open: readonly number[]; readonly fault: unknown };
