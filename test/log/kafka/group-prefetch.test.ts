import { randomFillSync } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import type { Log } from '../../../src/log/port.ts';
import { bytesOf, gate, numbered, range } from '../../contracts/log/tasks.ts';
import { describeWithService, kafkaBrokers } from '../../services/index.ts';
import { GroupPlace, Member, openHandle } from './group-member.ts';

const PARTITIONS = 12;
const MIB = 1024 * 1024;
const ASKED_BYTES = 4 * MIB;

describeWithService('kafka', 'what a group fetches ahead', () => {
  let brokers: string[];
  let place: GroupPlace;
  let log: Log;

  beforeAll(async () => {
    brokers = await kafkaBrokers();
  });
  beforeEach(async () => {
    place = new GroupPlace(brokers);
    log = await place.open();
  });
  afterEach(async () => {
    await place.dispose();
  });

  /** So many MiB in each partition, of records of 20 KB. */
  async function fill(topic: string, mebibytes: number, value: (index: number) => Uint8Array): Promise<void> {
    const writer = await openHandle(brokers, place.prefix);
    await writer.ensureTopics([{ name: topic, partitions: PARTITIONS, cleanup: 'delete', compression: 'zstd' }]);
    const producer = await writer.producer(`${place.prefix}filler`);
    for (let round = 0; round < mebibytes; round++)
      for (const partition of range(PARTITIONS))
        await producer.append(
          range(52).map((index) => ({ topic, partition, key: bytesOf(`${index}`), value: value(index) })),
        );
    await writer.close();
  }

  async function heldBytes(topic: string): Promise<number> {
    const go = gate();
    await settled(buffersInUse);
    const before = buffersInUse();
    const member = await Member.join(place, {
      group: `${place.prefix}${topic}-group`,
      from: topic,
      to: topic,
      run: { maxBatchBytes: ASKED_BYTES },
      during: () => go.opened,
    });
    const inProcess = (): number => member.events.filter((event) => event.startsWith('process')).length;
    await member.until(() => inProcess() === PARTITIONS);
    await settled(buffersInUse);
    const held = buffersInUse() - before;
    go.open();
    await member.stop();
    return held;
  }

  it('stays near what was asked for when records are incompressible', async () => {
    const topic = `${place.prefix}random`;
    await fill(topic, 4, () => randomFillSync(Buffer.alloc(20_000)));
    const held = await heldBytes(topic);
    expect(held).toBeGreaterThan(MIB);
    expect(held).toBeLessThan(4 * ASKED_BYTES);
  });

  it('stays near what was asked for when records are compressed to a twentieth', async () => {
    const topic = `${place.prefix}zeros`;
    await fill(topic, 4, (index) => randomFillSync(Buffer.alloc(20_000, index), 0, 1_000));
    const held = await heldBytes(topic);
    expect(held).toBeGreaterThan(MIB);
    expect(held).toBeLessThan(4 * ASKED_BYTES);
  });

  it('goes on for all others when the task is slow on one partition', async () => {
    const topic = await place.topic(log, 'in', PARTITIONS);
    const to = await place.topic(log, 'out', PARTITIONS);
    const go = gate();
    const producer = await log.producer(`${place.prefix}filler`);
    const append = async (first: number): Promise<void> => {
      for (const partition of range(PARTITIONS))
        await producer.append(numbered(topic, first + partition * 100, 100, partition));
    };
    await append(0);
    const member = await Member.join(place, {
      group: `${place.prefix}slow`,
      from: topic,
      to,
      run: { maxBatchBytes: ASKED_BYTES },
      during: (_, { partition }) => (partition === 3 ? go.opened : undefined),
    });
    const others = range(PARTITIONS).filter((partition) => partition !== 3);
    for (let round = 1; round <= 3; round++) {
      const calls = round;
      await member.until(() => others.every((partition) => member.count(`committed ${partition}`) >= calls));
      await append(round * 10_000);
    }
    expect(member.count('committed 3')).toBe(0);
    expect(member.count('process 3')).toBe(1);
    go.open();
    await member.until(() => member.processed.length === 4 * 100 * PARTITIONS);
    await member.stop();
  });
});

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function buffersInUse(): number {
  collect();
  return process.memoryUsage().arrayBuffers;
}

/** Resolves once a number has not changed by a MiB for a second. */
async function settled(look: () => number): Promise<void> {
  const seen: number[] = [];
  await vi.waitUntil(
    () => {
      const last = seen.slice(-5);
      seen.push(look());
      return last.length === 5 && last.every((each) => Math.abs(each - (seen.at(-1) ?? 0)) < MIB);
    },
    { timeout: 30_000, interval: 200 },
  );
}
