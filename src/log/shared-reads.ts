import type { FetchedRecords, FetchRequest, LogEngine } from './engine.ts';
import type { LogRecord } from './port.ts';

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;

const sharing = new WeakMap<object, SharedReads>();

/** Of the runs that were given this object (`RunOptions.sharedReads`). */
export function sharedReadsOf(token: object): SharedReads {
  const known = sharing.get(token) ?? new SharedReads();
  sharing.set(token, known);
  return known;
}

/** One group's way through one partition. */
export interface SharedReader extends Pick<LogEngine, 'fetch' | 'observer'> {
  /** Nothing is kept for it any more. */
  leave(): void;
}

/**
 * Lets runs of several groups that read the same topics share what is fetched and decoded: the first to come to an offset
 * fetches, those behind it are given the same records. What one of them has not come to yet is kept, up to `maxBytes`
 * in all; whoever is further behind than that reads for itself, so that no group ever waits for another.
 */
export class SharedReads {
  readonly #maxBytes: number;
  readonly #places = new Map<string, Place>();
  #bytes = 0;

  constructor(maxBytes = DEFAULT_MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of keys and values that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  join(engine: Pick<LogEngine, 'fetch' | 'observer'>, topic: string, partition: number): SharedReader {
    const name = `${topic}/${partition}`;
    const place = this.#places.get(name) ?? new Place(this.#room);
    this.#places.set(name, place);
    const reader = { offset: 0 };
    place.readers.add(reader);
    return {
      observer: engine.observer,
      fetch: (request) => {
        reader.offset = request.from;
        place.forgetUnneeded();
        return place.fetch(engine, request);
      },
      leave: () => {
        place.readers.delete(reader);
        place.forgetUnneeded();
        if (place.readers.size === 0) this.#places.delete(name);
      },
    };
  }

  readonly #room = {
    hasRoom: () => this.#bytes < this.#maxBytes,
    add: (bytes: number) => {
      this.#bytes += bytes;
    },
  };
}

interface Room {
  hasRoom(): boolean;
  add(bytes: number): void;
}

class Place {
  /** Where each begins its next fetch: it has all that is before, in hand or done. */
  readonly readers = new Set<{ readonly offset: number }>();
  readonly #room: Room;
  #chunks: Chunk[] = [];
  /** What is being fetched now, by offset; resolves once it is known whether it is kept. */
  readonly #pending = new Map<number, Promise<unknown>>();

  constructor(room: Room) {
    this.#room = room;
  }

  /** What comes back may be more than `maxBytes`: another reader may have asked for more. */
  async fetch(engine: Pick<LogEngine, 'fetch'>, request: FetchRequest): Promise<FetchedRecords> {
    const { from, to } = request;
    const chunk = this.#chunks.find((each) => each.from <= from && from < each.nextOffset);
    if (chunk !== undefined) return new SharedRecords(chunk, from, to);
    const pending = this.#pending.get(from);
    if (pending !== undefined) {
      await pending;
      // It may have failed, or ended without records since its reader was told to stop; then this one asks for itself.
      return this.fetch(engine, request);
    }
    const fetching = engine.fetch(request).then((fetched) => this.#share(fetched, request));
    this.#pending.set(
      from,
      fetching.then(
        () => this.#pending.delete(from),
        () => this.#pending.delete(from),
      ),
    );
    return fetching;
  }

  forgetUnneeded(): void {
    this.#chunks = this.#chunks.filter((chunk) => {
      const isNeeded = [...this.readers].some(({ offset }) => offset < chunk.nextOffset);
      if (!isNeeded) chunk.drop();
      return isNeeded;
    });
  }

  /** The newest is what is not kept where there is no room: who is behind comes to the oldest first. */
  #share(fetched: FetchedRecords, { from, to }: FetchRequest): FetchedRecords {
    if (fetched.isEmpty() || this.readers.size < 2 || !this.#room.hasRoom()) return fetched;
    const chunk = new Chunk(from, fetched, this.#room);
    this.#chunks.push(chunk);
    return new SharedRecords(chunk, from, to);
  }
}

/** What one fetch gave, decoded as its first reader takes it. */
class Chunk {
  readonly from: number;
  readonly nextOffset: number;
  readonly #source: FetchedRecords;
  readonly #room: Room;
  readonly #records: LogRecord[] = [];
  #bytes = 0;
  #isDropped = false;

  constructor(from: number, source: FetchedRecords, room: Room) {
    this.from = from;
    this.nextOffset = source.nextOffset;
    this.#source = source;
    this.#room = room;
  }

  /** Who has it in hand may go on. */
  drop(): void {
    this.#isDropped = true;
    this.#room.add(-this.#bytes);
  }

  /** The records from index `start` on, at most so many. */
  take(start: number, maxRecords: number): readonly LogRecord[] {
    const missing = start + maxRecords - this.#records.length;
    if (missing > 0 && !this.#source.isEmpty()) this.#decode(missing);
    return this.#records.slice(start, start + maxRecords);
  }

  isEmptyAt(index: number): boolean {
    return index >= this.#records.length && this.#source.isEmpty();
  }

  #decode(count: number): void {
    let bytes = 0;
    for (const record of this.#source.take(count)) {
      bytes += (record.key?.length ?? 0) + (record.value?.length ?? 0);
      this.#records.push(record);
    }
    if (this.#isDropped) return;
    this.#bytes += bytes;
    this.#room.add(bytes);
  }
}

/** One reader's way through a chunk. */
class SharedRecords implements FetchedRecords {
  readonly nextOffset: number;
  readonly #chunk: Chunk;
  readonly #to: number;
  #index = 0;
  #isDone = false;

  constructor(chunk: Chunk, from: number, to: number) {
    this.#chunk = chunk;
    this.#to = to;
    this.nextOffset = Math.min(chunk.nextOffset, to);
    this.#skipTo(from);
  }

  isEmpty(): boolean {
    return this.#isDone;
  }

  take(maxRecords: number): readonly LogRecord[] {
    if (this.#isDone) return [];
    const taken = this.#chunk.take(this.#index, maxRecords);
    this.#index += taken.length;
    const wanted = taken.filter(({ offset }) => offset < this.#to);
    this.#isDone = wanted.length < taken.length || this.#chunk.isEmptyAt(this.#index);
    return wanted;
  }

  #skipTo(from: number): void {
    for (;;) {
      const [next] = this.#chunk.take(this.#index, 1);
      if (next !== undefined && next.offset < from) this.#index++;
      else {
        this.#isDone = next === undefined || next.offset >= this.#to;
        return;
      }
    }
  }
}
