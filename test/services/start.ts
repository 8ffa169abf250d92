import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { endServer, logTail, runningPid } from './server-process.ts';
import type { Launched, Service, Way } from './service.ts';

const ASK_EVERY_MS = 100;
const READY_WITHIN_MS = 120_000;
/** Between choosing a free port and listening on it somebody else may take it. */
const LAUNCHES = 3;
const PORT_TAKEN = /address (is )?already in use|BindException|port .* (seems to be|is already) in use/i;
const ADDRESS_FILE = 'address.json';

/** What stops `service` from being had on this machine, with what to install; undefined where nothing does. */
export function missingService(service: Service<unknown>): string | undefined {
  if (fromEnvironment(service) !== undefined || openWays(service).length > 0) return undefined;
  const variable = service.variable === undefined ? [] : [`${service.variable} is not set`];
  const ways = service.ways.map((way) => `${way.name}: ${way.missing() ?? ''}`);
  return `${service.name} (${[...variable, ...ways].join('; ')})`;
}

export function fromEnvironment<Address>(service: Service<Address>): Address | undefined {
  const value = service.variable === undefined ? undefined : process.env[service.variable];
  return value === undefined || value === '' ? undefined : service.fromEnvironment(value);
}

export function openWays<Address>(service: Service<Address>): Way<Address>[] {
  return service.ways.filter((way) => way.missing() === undefined);
}

/** The address of `service`, if it runs in its folder under `root` and was ready. */
export function runningAddress<Address>({ name }: Service<Address>, root: string): Address | undefined {
  const file = join(root, name, ADDRESS_FILE);
  if (runningPid(join(root, name)) === undefined || !existsSync(file)) return undefined;
  return JSON.parse(readFileSync(file, 'utf8')) as Address;
}

/**
 * Starts the service in its folder under `root`, unless it runs there, and resolves when it is ready. To be called
 * under a lock. A way that fails is said aloud and the next is tried.
 */
export async function startIn<Address>(
  service: Service<Address>,
  root: string,
  ways: readonly Way<Address>[] = openWays(service),
  ports?: readonly number[],
): Promise<Address> {
  const running = runningAddress(service, root);
  if (running !== undefined) return running;
  const folder = join(root, service.name);
  const failures: unknown[] = [];
  for (const way of ways)
    try {
      const address = await startOneWay(service, way, folder, ports);
      writeFileSync(join(folder, ADDRESS_FILE), JSON.stringify(address));
      return address;
    } catch (error) {
      console.warn(`\n*** ${service.name} does not start (${way.name}): ${String(error)} ***\n`);
      failures.push(error);
    }
  throw new AggregateError(failures, `There is no ${missingService(service) ?? service.name}: ${failures.join('\n')}`);
}

async function startOneWay<Address>(
  service: Service<Address>,
  way: Way<Address>,
  folder: string,
  ports?: readonly number[],
): Promise<Address> {
  await way.fetch();
  for (let launch = 1; ; launch++) {
    // Left over from somebody who was ended while waiting for it.
    await endServer(folder, 'SIGKILL');
    rmSync(join(folder, ADDRESS_FILE), { force: true });
    try {
      const launched = await way.launch(folder, ports);
      await untilReady(service, launched);
      return launched.address;
    } catch (error) {
      await endServer(folder, 'SIGKILL');
      if (launch === LAUNCHES || !PORT_TAKEN.test(String(error))) throw error;
    }
  }
}

/** Resolves when a request has succeeded. Rejects, with the end of its log, when the server ends or takes too long. */
export async function untilReady<Address>(
  { name, ask }: Pick<Service<Address>, 'name' | 'ask'>,
  { address, process, logFile }: Launched<Address>,
): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  for (;;) {
    try {
      await ask(address);
      return;
    } catch (error) {
      const late = Date.now() > deadline;
      const why = late ? `was not ready in ${READY_WITHIN_MS / 1000} s (${String(error)})` : 'ended';
      if (process.ended || late)
        throw new Error(`${name} ${why}. The end of its log:\n${logTail(logFile)}`, { cause: error });
    }
    await delay(ASK_EVERY_MS);
  }
}
