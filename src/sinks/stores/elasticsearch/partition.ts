import type { PipelineError } from '../../../errors.ts';
import type { StoreFault, StorePartition, StorePartitionContext, StoreProgress } from '../port.ts';
import { BulkBody } from './bulk-body.ts';
import type { BulkSender, Outcome, SendOptions } from './bulk-sender.ts';
import type { ChangeKind } from './changes.ts';
import { idFault } from './faults.ts';
import type { MetadataFields } from './metadata-fields.ts';
import type { Rewriter } from './rewriter.ts';
import type { Slots } from './slots.ts';

export interface PartitionOptions<Change> {
  readonly kind: ChangeKind<Change>;
  readonly alias: string;
  readonly dimension: number;
  readonly asBase64: boolean;
  readonly sender: BulkSender;
  readonly rewriter: Rewriter;
  readonly metadata: MetadataFields;
  /** Requests in flight, of all partitions together. */
  readonly slots: Slots;
  readonly maxBytes: number;
  readonly maxDocuments: number;
  readonly context: StorePartitionContext;
  /** Once for each change that is in the index. */
  readonly onWritten: (change: Change) => void;
}

interface Writable {
  readonly offset: number;
  readonly id: string;
}

/** Changes that travel together. Of an id it has the last alone. */
interface Flight<Change> {
  readonly changes: ReadonlyMap<string, Change>;
  /** Next offset once it has landed. */
  readonly next: number;
  faults: readonly StoreFault[];
  hasLanded: boolean;
}

/** Gathers changes to requests, has some of them in flight, and knows up to which offset all has landed. */
export class ElasticPartition<Change extends Writable> implements StorePartition<Change> {
  readonly #options: PartitionOptions<Change>;
  readonly #closing = new AbortController();
  readonly #sending: SendOptions;
  #gathered = new Map<string, Change>();
  #gatheredBytes = 0;
  #taken = 0;
  #next = 0;
  /** In offset order: those in flight, and those that landed before one that has not. */
  #flights: Flight<Change>[] = [];
  readonly #flying = new Map<Flight<Change>, Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(options: PartitionOptions<Change>) {
    this.#options = options;
    const { alias, context } = options;
    const signal = AbortSignal.any([context.signal, this.#closing.signal]);
    this.#sending = { alias, signal, assertOwner: context.assertOwner };
  }

  /** What can't be there needs no deletion. */
  check(change: Change): PipelineError | undefined {
    return this.#options.kind.isDeletion(change) ? undefined : idFault(change.id);
  }

  async write(changes: readonly Change[]): Promise<void> {
    const { maxBytes, maxDocuments, kind } = this.#options;
    for (const change of changes) {
      this.#next = change.offset + 1;
      this.#taken++;
      if (idFault(change.id) !== undefined) continue;
      // The order of the map is that of the last changes.
      this.#gathered.delete(change.id);
      this.#gathered.set(change.id, change);
      this.#gatheredBytes += kind.sizeOf(change);
      if (this.#gatheredBytes >= maxBytes || this.#gathered.size >= maxDocuments) await this.#dispatch();
    }
    this.#throwFailure();
  }

  progress(): StoreProgress {
    const faults: StoreFault[] = [];
    let offset: number | undefined;
    for (let first = this.#flights[0]; first?.hasLanded === true; first = this.#flights[0]) {
      this.#flights.shift();
      faults.push(...first.faults);
      offset = first.next;
    }
    return offset === undefined ? { faults } : { faults, offset };
  }

  async flush(): Promise<void> {
    await this.#dispatch();
    await Promise.all(this.#flying.values());
    this.#throwFailure();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    // Nothing of ours may reach the server once another process has the partition.
    await Promise.all(this.#flying.values());
  }

  async #dispatch(): Promise<void> {
    this.#throwFailure();
    const changes = this.#gathered;
    if (this.#taken === 0) return;
    const flight: Flight<Change> = { changes, next: this.#next, faults: [], hasLanded: false };
    this.#gathered = new Map();
    this.#gatheredBytes = 0;
    this.#taken = 0;
    // Made while others are in flight.
    const request = this.#encode(flight);
    await this.#untilApart(flight);
    const release = await this.#options.slots.take();
    this.#throwFailure(release);
    this.#flights.push(flight);
    const flying = this.#fly(flight, request)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        release();
        this.#flying.delete(flight);
      });
    this.#flying.set(flight, flying);
  }

  /** Two versions of a document must not overtake each other: the later waits for the earlier. */
  async #untilApart({ changes }: Flight<Change>): Promise<void> {
    for (const [other, flying] of this.#flying) {
      const [few, many] = changes.size < other.changes.size ? [changes, other.changes] : [other.changes, changes];
      for (const id of few.keys())
        if (many.has(id)) {
          await flying;
          break;
        }
    }
  }

  #encode({ changes }: Flight<Change>): Encoded<Change> {
    const { kind, dimension, asBase64 } = this.#options;
    const body = new BulkBody(dimension, { asBase64 });
    const sent: Change[] = [];
    const rewritten: Change[] = [];
    for (const change of changes.values()) (kind.encode(change, body) ? sent : rewritten).push(change);
    return { body, sent, rewritten };
  }

  async #fly(flight: Flight<Change>, { body, sent, rewritten }: Encoded<Change>): Promise<void> {
    const { kind, sender, rewriter, metadata } = this.#options;
    const faults: StoreFault[] = [];
    const all = [...flight.changes.values()].flatMap((change) => kind.metadataOf(change) ?? []);
    await metadata.ensure(all);
    const ids = sent.map(({ id }) => id);
    const outcomes = await sender.send(body, ids, this.#sending);
    const unfinished = sent.filter((change, i) => {
      const outcome = outcomes[i];
      if (outcome?.kind === 'refused') faults.push({ offset: change.offset, error: outcome.error });
      return isUnfinished(kind, change, outcome);
    });
    const open = [...unfinished, ...rewritten];
    const items = open.map((change) => ({ id: change.id, rewrite: kind.rewriteOf(change) }));
    const refused = await rewriter.apply(items, this.#sending);
    for (const { id, offset } of open) {
      const error = refused.get(id);
      if (error !== undefined) faults.push({ offset, error });
    }
    this.#land(flight, faults);
  }

  #land(flight: Flight<Change>, faults: readonly StoreFault[]): void {
    flight.faults = faults.toSorted((one, other) => one.offset - other.offset);
    flight.hasLanded = true;
    const faulty = new Set(faults.map(({ offset }) => offset));
    for (const change of flight.changes.values()) if (!faulty.has(change.offset)) this.#options.onWritten(change);
  }

  #throwFailure(release?: () => void): void {
    if (this.#failure === undefined) return;
    release?.();
    throw this.#failure.error;
  }
}

interface Encoded<Change> {
  readonly body: BulkBody;
  readonly sent: readonly Change[];
  readonly rewritten: readonly Change[];
}

function isUnfinished<Change>(kind: ChangeKind<Change>, change: Change, outcome: Outcome | undefined): boolean {
  if (outcome?.kind !== 'done') return outcome?.kind === 'missing';
  return !outcome.isNew && kind.isUnfinished(change, outcome.source ?? {});
}
