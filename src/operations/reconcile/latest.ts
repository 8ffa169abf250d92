import { IdentityTable } from '../../ledger/identity-table.ts';

const LIVE = 1;
const MARKED = 2;
const PARTITION_SHIFT = 2;

/** Where the latest version of each id stands, and whether it is alive: 24 bytes an id. */
export class Latest {
  readonly #table = new IdentityTable();

  /** Offsets only grow within a partition, so the last call counts. */
  set(id: string | Uint8Array, partition: number, offset: number, isLive: boolean): void {
    const slot = this.#table.upsert(id);
    this.#table.setPayloadNumber(slot, offset);
    this.#table.setPayload(slot, 2, (partition << PARTITION_SHIFT) | (isLive ? LIVE : 0));
  }

  /** The same for versions that come in any order; false when this very version is there already. */
  setNewer(id: string, partition: number, offset: number, isLive: boolean): boolean {
    const slot = this.#table.find(id);
    const known = slot < 0 ? -1 : this.#table.payloadNumber(slot);
    if (offset > known) this.set(id, partition, offset, isLive);
    return offset !== known;
  }

  /** True when this very version is the latest one and alive. */
  isLatest(id: string | Uint8Array, partition: number, offset: number): boolean {
    const slot = this.#table.find(id);
    if (slot < 0 || this.#table.payloadNumber(slot) !== offset) return false;
    const state = this.#table.payload(slot, 2);
    return (state & LIVE) !== 0 && state >>> PARTITION_SHIFT === partition;
  }

  isLive(id: string | Uint8Array): boolean {
    const slot = this.#table.find(id);
    return slot >= 0 && (this.#table.payload(slot, 2) & LIVE) !== 0;
  }

  /** Marks an id; false when it is not there or was marked before. */
  mark(id: string | Uint8Array): boolean {
    const slot = this.#table.find(id);
    if (slot < 0) return false;
    const state = this.#table.payload(slot, 2);
    this.#table.setPayload(slot, 2, state | MARKED);
    return (state & MARKED) === 0;
  }

  countLive(): number {
    let live = 0;
    for (const slot of this.#table.slots()) if ((this.#table.payload(slot, 2) & LIVE) !== 0) live++;
    return live;
  }
}
