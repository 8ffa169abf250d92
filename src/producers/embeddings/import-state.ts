import { bytesOfHash } from '../../codec/hashes.ts';
import type { Codec } from '../../codec/port.ts';
import { UsageError } from '../../errors.ts';
import { Ledger, restoreLedger } from '../../ledger/ledger.ts';
import type { Log } from '../../log/port.ts';
import type { TopicNames } from '../../log/topics.ts';
import { importFingerprint } from '../../record/imported.ts';

interface LogPlace {
  readonly log: Log;
  readonly codec: Codec;
  readonly topics: TopicNames;
}

/** What the log knows of an import's ids when it begins. */
export class ImportState {
  /** What this import has put on the log, and its dead letters. */
  readonly own: Ledger;
  /** The model's: whatever has an embedding or a dead letter. */
  readonly model: Ledger;
  /** 32 bytes. */
  readonly fingerprint: Uint8Array;
  readonly #others: ReadonlyMap<string, Ledger>;

  private constructor(own: Ledger, model: Ledger, others: ReadonlyMap<string, Ledger>, fingerprint: Uint8Array) {
    this.own = own;
    this.model = model;
    this.#others = others;
    this.fingerprint = fingerprint;
  }

  /** Rejects with UsageError when the name has been used for another model. */
  static async restore(place: LogPlace, name: string, model: string, signal?: AbortSignal): Promise<ImportState> {
    const { topics, log } = place;
    const fingerprint = bytesOfHash(importFingerprint(model, name));
    const ownTopic = topics.importLedger(name);
    const own = await restored(place, ownTopic, signal);
    if (own.hasAnyOtherThan(fingerprint))
      throw new UsageError(
        `The import "${name}" has put embeddings of another model on the log: import these under another --name.`,
      );
    const others = new Map<string, Ledger>();
    const prefix = topics.importLedger('x').slice(0, -1);
    for (const topic of await log.topics()) {
      if (!topic.name.startsWith(prefix) || topic.name === ownTopic) continue;
      const other = topic.name.slice(prefix.length);
      const ledger = await restored(place, topic.name, signal);
      if (!ledger.hasAnyOtherThan(bytesOfHash(importFingerprint(model, other)))) others.set(other, ledger);
    }
    return new ImportState(own, await restored(place, topics.ledger(model), signal), others, fingerprint);
  }

  /** The other import of this model that has the id. */
  ownerOf(id: string): string | undefined {
    for (const [name, ledger] of this.#others) if (ledger.has(id)) return name;
    return undefined;
  }
}

async function restored({ log, codec }: LogPlace, topic: string, signal?: AbortSignal): Promise<Ledger> {
  const ledger = new Ledger();
  const info = (await log.topics()).find(({ name }) => name === topic);
  for (const { partition } of info?.partitionInfo ?? [])
    await restoreLedger(ledger, { log, codec, topic, partition }, signal);
  return ledger;
}
