import type { Codec } from '../codec/port.ts';
import { Ledger, restoreLedger } from '../ledger/ledger.ts';
import type { Log } from '../log/port.ts';
import type { TopicNames } from '../log/topics.ts';

/** What the other sources of a log have published: an id belongs to the source that published it first. */
export class OtherSources {
  readonly #ledgers = new Map<string, Ledger>();

  static async restore(
    { log, codec, topics }: { readonly log: Log; readonly codec: Codec; readonly topics: TopicNames },
    ownLedgerTopic: string,
    signal?: AbortSignal,
  ): Promise<OtherSources> {
    const others = new OtherSources();
    const anyName = 'x';
    const prefix = topics.sourceLedger(anyName).slice(0, -anyName.length);
    for (const { name, partitionInfo } of await log.topics()) {
      if (!name.startsWith(prefix) || name === ownLedgerTopic) continue;
      const ledger = new Ledger();
      for (const { partition } of partitionInfo)
        await restoreLedger(ledger, { log, codec, topic: name, partition }, signal);
      others.#ledgers.set(name.slice(prefix.length), ledger);
    }
    return others;
  }

  /** The source that has published the id, or undefined. */
  ownerOf(id: string): string | undefined {
    for (const [source, ledger] of this.#ledgers) if (ledger.has(id)) return source;
    return undefined;
  }
}
