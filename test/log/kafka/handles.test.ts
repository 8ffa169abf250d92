import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { Log } from '../../../src/log/port.ts';
import { appendAll, copying, numbered } from '../../contracts/log/tasks.ts';
import { describeWithService, kafkaBrokers } from '../../services/index.ts';
import { GroupPlace, Member } from './group-member.ts';

const RUNS = 200;
/** A handle asks and polls apart, and kafkajs fetches on a connection of its own: made when they are first used. */
const SOCKETS = 4;
const IDLE_MS = 4_000;
/** The waits of this file end as soon as what they wait for is there. */
const WITHIN_MS = 20_000;

/** What keeps a process alive, by kind. */
function resources(): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function sockets(): number {
  return resources()['TCPSocketWrap'] ?? 0;
}

describeWithService('kafka', 'a process that uses a log for long', () => {
  let place: GroupPlace;
  let log: Log;

  beforeAll(async () => {
    place = new GroupPlace(await kafkaBrokers());
    log = await place.open();
  });
  afterAll(async () => {
    await place.dispose();
  });

  it('has no more open after many runs, reads and producers than before', async () => {
    const from = await place.topic(log, 'in', 2);
    const to = await place.topic(log, 'out', 2);
    await appendAll(log, numbered(from, 0, 10), `${place.prefix}p`);
    const warnings: Error[] = [];
    const onWarning = (warning: Error): number => warnings.push(warning);
    process.on('warning', onWarning);
    const round = async (index: number): Promise<void> => {
      const run = log.run(copying(`${place.prefix}g${index % 10}`, from, to), { until: 'end' });
      await Promise.all([run, appendAll(log, numbered(from, index, 1), `${place.prefix}p${index % 10}`)]);
    };
    await round(0);
    const before = resources();
    for (let index = 1; index <= RUNS; index += 10)
      await Promise.all(Array.from({ length: 10 }, (_, i) => round(index + i)));
    await vi.waitFor(() => {
      expect(sockets()).toBeLessThanOrEqual(SOCKETS);
    }, WITHIN_MS);
    expect(resources()['Timeout'] ?? 0).toBeLessThanOrEqual((before['Timeout'] ?? 0) + 2);
    process.off('warning', onWarning);
    expect(warnings.map(({ message }) => message)).toEqual([]);
  });

  it('leaves nothing open when it closes the log, and closes at once when nothing is in flight', async () => {
    const from = await place.topic(log, 'in2', 2);
    const to = await place.topic(log, 'out2', 2);
    const before = sockets();
    const member = await Member.join(place, { group: `${place.prefix}idle`, from, to });
    await member.until(() => member.held.size === 2);
    const started = performance.now();
    await member.log.close();
    // Only a hang takes so long.
    expect(performance.now() - started).toBeLessThan(WITHIN_MS);
    await member.ended;
    await vi.waitFor(() => {
      expect(sockets()).toBe(before);
    }, WITHIN_MS);
  });

  it('uses next to no CPU while it follows an input that nothing is written to', async () => {
    const from = await place.topic(log, 'in3', 6);
    const to = await place.topic(log, 'out3', 6);
    const member = await Member.join(place, { group: `${place.prefix}quiet`, from, to });
    await member.until(() => member.held.size === 6);
    const before = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
    const { user, system } = process.cpuUsage(before);
    // Measured: 0.6 % of a core.
    expect((user + system) / 1_000 / IDLE_MS).toBeLessThan(0.03);
    await member.stop();
  });
});
