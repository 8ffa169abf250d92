import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeAssignment,
  decodeClaim,
  decodeProcess,
  encodeAssignment,
  encodeSubscription,
} from '../../../src/log/kafka/group-envelopes.ts';

interface Peer {
  readonly MemberMetadata: { decode(buffer: Buffer): { version: number; topics: string[]; userData: Buffer } };
  readonly MemberAssignment: {
    encode(assignment: { version: number; assignment: Record<string, readonly number[]> }): Buffer;
    decode(buffer: Buffer): { version: number; assignment: Record<string, number[]> };
  };
}

const kafkajs = createRequire(import.meta.url)('kafkajs/src/consumer/assignerProtocol') as Peer;

// kafkajs keeps topics as an object's keys, which this name does not become.
const topic = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((name) => name !== '__proto__');
const units = fc.uniqueArray(fc.integer({ min: 0, max: 10_000 }), { maxLength: 20 });

describe('group envelopes', () => {
  it('brings a claim back, within a subscription that kafkajs reads', () => {
    const claims = fc.record({ owned: units, releasing: units, generation: fc.integer({ min: -1, max: 1_000_000 }) });
    fc.assert(
      fc.property(fc.array(topic, { maxLength: 4 }), claims, (topics, claim) => {
        const bytes = encodeSubscription(topics, claim, { pid: 4711, host: 'Wirt' });
        expect(decodeClaim(bytes)).toEqual(claim);
        expect(decodeProcess(bytes)).toEqual({ pid: 4711, host: 'Wirt' });
        expect(kafkajs.MemberMetadata.decode(bytes)).toMatchObject({ version: 0, topics });
      }),
    );
  });

  it('writes assignments that kafkajs reads, and reads what kafkajs writes', () => {
    fc.assert(
      fc.property(fc.uniqueArray(topic, { minLength: 1, maxLength: 4 }), units, (topics, partitions) => {
        const given = partitions.length === 0 ? [] : topics;
        const bytes = encodeAssignment(topics, partitions);
        const expected = Object.fromEntries(given.map((name) => [name, partitions]));
        expect(kafkajs.MemberAssignment.decode(bytes).assignment).toEqual(expected);
        const theirs = kafkajs.MemberAssignment.encode({ version: 0, assignment: expected });
        expect(Object.fromEntries(decodeAssignment(theirs))).toEqual(expected);
      }),
    );
  });

  it('takes no bytes for an assignment of nothing', () => {
    expect(decodeAssignment(Buffer.alloc(0))).toEqual(new Map());
  });

  it('takes a subscription that it cannot read for a claim of nothing', () => {
    const nothing = { owned: [], releasing: [], generation: -1 };
    const good = encodeSubscription(
      ['records'],
      { owned: [1, 2], releasing: [], generation: 7 },
      { pid: 1, host: 'h' },
    );
    for (let length = 0; length < good.length; length++) expect(decodeClaim(good.subarray(0, length))).toEqual(nothing);
    for (const userData of ['', '{}', 'null', '{"owned":[-1],"releasing":[],"generation":1}', '{"owned":"0"}']) {
      const bytes = Buffer.concat([good.subarray(0, 2 + 4 + 2 + 7), Buffer.alloc(4), Buffer.from(userData)]);
      bytes.writeInt32BE(userData.length, 2 + 4 + 2 + 7);
      expect(decodeClaim(bytes)).toEqual(nothing);
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(decodeClaim(Buffer.from(bytes))).toEqual(nothing);
      }),
    );
  });
});
