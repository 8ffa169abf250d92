import { z } from 'zod';
import type { Claim } from './assigner.ts';

/**
 * What members and the leader of a group send each other through the coordinator, in Kafka's consumer protocol, so that
 * Kafka's own tools can show a group's members and what each has.
 * Format: ConsumerProtocolSubscription.json and ConsumerProtocolAssignment.json (version 0) of Apache Kafka.
 */

/** Name of the way we assign; a member that knows another way only is refused by the coordinator. */
export const ASSIGNMENT_PROTOCOL = 'embedstream-cooperative-1';

const ENVELOPE_VERSION = 0;

const NOTHING: Claim = { owned: [], releasing: [], generation: -1 };

const units = z.array(z.int().nonnegative());
/** Who a member is, beside its claim: for people. */
const whoSchema = z.object({ pid: z.int(), host: z.string() });
export type MemberProcess = z.infer<typeof whoSchema>;

const claimSchema = z.object({ owned: units, releasing: units, generation: z.int() });

/** What a member sends when it joins: int16 version, [string topic], bytes userData (claim and process as JSON). */
export function encodeSubscription(topics: readonly string[], claim: Claim, who: MemberProcess): Buffer {
  const userData = Buffer.from(JSON.stringify({ ...claim, ...who }));
  return Buffer.concat([int16(ENVELOPE_VERSION), array(topics.map(string)), int32(userData.length), userData]);
}

/** The claim in what a member sent. What can't be read claims nothing. */
export function decodeClaim(subscription: Buffer): Claim {
  try {
    return claimSchema.parse(userDataOf(subscription));
  } catch {
    // Another program's member, or a later version of ours: fencing keeps two owners of a unit apart.
    return NOTHING;
  }
}

/** Which process a member is; undefined where it does not say so. */
export function decodeProcess(subscription: Buffer): MemberProcess | undefined {
  try {
    return whoSchema.safeParse(userDataOf(subscription)).data;
  } catch {
    // Another program's member, or one that has not joined yet.
    return undefined;
  }
}

function userDataOf(subscription: Buffer): unknown {
  const reader = new Reader(subscription);
  reader.int16();
  reader.array(() => reader.string());
  return JSON.parse(reader.bytes().toString());
}

/** What the leader sends a member: int16 version, [string topic, [int32 partition]], bytes userData (none). */
export function encodeAssignment(topics: readonly string[], units: readonly number[]): Buffer {
  const partitions = array(units.map(int32));
  // A member without units has no topics: Kafka's tools then show it without an assignment.
  const entries = units.length === 0 ? [] : topics.map((topic) => Buffer.concat([string(topic), partitions]));
  return Buffer.concat([int16(ENVELOPE_VERSION), array(entries), int32(-1)]);
}

/**
 * The partitions of each topic in what the leader sent. Empty bytes are an assignment of nothing.
 * Throws RangeError where the bytes are not an assignment.
 */
export function decodeAssignment(assignment: Buffer): ReadonlyMap<string, readonly number[]> {
  if (assignment.length === 0) return new Map();
  const reader = new Reader(assignment);
  reader.int16();
  return new Map(reader.array(() => [reader.string(), reader.array(() => reader.int32())] as const));
}

function int16(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeInt16BE(value);
  return buffer;
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
}

function string(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([int16(bytes.length), bytes]);
}

function array(entries: readonly Buffer[]): Buffer {
  return Buffer.concat([int32(entries.length), ...entries]);
}

/** Reads one value after the other. Every method throws RangeError past the end. */
class Reader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  int16(): number {
    this.#at += 2;
    return this.#buffer.readInt16BE(this.#at - 2);
  }

  int32(): number {
    this.#at += 4;
    return this.#buffer.readInt32BE(this.#at - 4);
  }

  string(): string {
    return this.#take(this.int16()).toString();
  }

  bytes(): Buffer {
    return this.#take(this.int32());
  }

  array<T>(read: () => T): T[] {
    const entries: T[] = [];
    for (let remaining = this.int32(); remaining > 0; remaining--) entries.push(read());
    return entries;
  }

  #take(length: number): Buffer {
    const from = this.#at;
    if (length < 0 || from + length > this.#buffer.length) throw new RangeError('These bytes end too early.');
    this.#at += length;
    return this.#buffer.subarray(from, this.#at);
  }
}
