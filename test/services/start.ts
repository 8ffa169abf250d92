import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { endServer, logTail, runningPid } from './server-process.ts';
import type { Launched, Service, Way } from './service.ts';

const ASK_EVERY_MS = 100;
const READY_WITHIN_MS = 120_000;
/** Between choosing a free port and listening on it somebody else may take it. */
const LAUNCHES = 3;
const ADDRESS_FILE = 'address.json';

/** What stops `service` from being had on this machine, with what to install; undefined where nothing does. */
export function missingService(service: Service<unknown>): string | undefined {
  if (fromEnvironment(service) !== undefined || service.ways.some((way) => way.missing() === undefined))
    return undefined;
  const set = service.variable === undefined ? '' : `set ${service.variable}; or `;
  return `${service.name}: ${set}${service.ways.map((way) => `${way.name}: ${way.missing() ?? ''}`).join('; or ')}`;
}

export function fromEnvironment<Address>(service: Service<Address>): Address | undefined {
  const value = service.variable === undefined ? undefined : process.env[service.variable];
  return value === undefined || value === '' ? undefined : service.fromEnvironment(value);
}

export function openWay<Address>(service: Service<Address>): Way<Address> {
  const way = service.ways.find((one) => one.missing() === undefined);
  if (way === undefined) throw new Error(missingService(service));
  return way;
}

/** The address of the service that runs in `folder`, if one does and was ready. */
export function runningAddress<Address>(_service: Service<Address>, folder: string): Address | undefined {
  const file = join(folder, ADDRESS_FILE);
  if (runningPid(folder) === undefined || !existsSync(file)) return undefined;
  return JSON.parse(readFileSync(file, 'utf8')) as Address;
}

/** Starts the service in `folder`, unless it runs there, and resolves when it is ready. Call it under a lock. */
export async function startIn<Address>(
  service: Service<Address>,
  folder: string,
  ports?: readonly number[],
): Promise<Address> {
  const running = runningAddress(service, folder);
  if (running !== undefined) return running;
  const way = openWay(service);
  for (let launch = 1; ; launch++) {
    // Left over from somebody who was ended while waiting for it.
    await endServer(folder, 'SIGKILL');
    rmSync(join(folder, ADDRESS_FILE), { force: true });
    const launched = await way.launch(folder, ports);
    try {
      await untilReady(service, launched);
    } catch (error) {
      await endServer(folder, 'SIGKILL');
      if (launch < LAUNCHES && /address (is )?already in use|BindException/i.test(String(error))) continue;
      throw error;
    }
    writeFileSync(join(folder, ADDRESS_FILE), JSON.stringify(launched.address));
    return launched.address;
  }
}

/** Resolves when a request has succeeded. Rejects, with the end of its log, when the server ends or takes too long. */
export async function untilReady<Address>(
  service: Pick<Service<Address>, 'name' | 'ask'>,
  { address, process, logFile }: Launched<Address>,
): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  for (;;) {
    try {
      await service.ask(address);
      return;
    } catch (error) {
      const why = process.ended
        ? `${service.name} ended`
        : Date.now() > deadline
          ? `${service.name} was not ready in ${READY_WITHIN_MS / 1000} s (${String(error)})`
          : undefined;
      if (why !== undefined) throw new Error(`${why}. The end of its log:\n${logTail(logFile)}`, { cause: error });
    }
    await delay(ASK_EVERY_MS);
  }
}
