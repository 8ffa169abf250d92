/**
 * Real servers for tests. The first test of a run that asks starts one, the others share it, and it ends with the run:
 *
 *   describeWithService('kafka', 'what is tested', () => {
 *     let brokers: string[];
 *     beforeAll(async () => {
 *       brokers = await kafkaBrokers();
 *     });
 */
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { kafka } from './kafka/service.ts';
import { withLock } from './lock.ts';
import { runFolder, serverFolder } from './run-folder.ts';
import type { Service } from './service.ts';
import { fromEnvironment, missingService, startIn } from './start.ts';

const SERVICES = { kafka };

/** Brokers without security, as `host:port`. Topics of other tests are on them: use a namespace of your own. */
export function kafkaBrokers(): Promise<string[]> {
  return shared(kafka);
}

/**
 * `describe` for tests that need a server. Where the machine can't have it they are skipped and say so aloud; with
 * REQUIRE_INTEGRATION=1 they fail.
 */
export function describeWithService(name: keyof typeof SERVICES, title: string, body: () => void): void {
  const missing = missingService(SERVICES[name]);
  if (missing === undefined) {
    describe(title, body);
  } else if (process.env['REQUIRE_INTEGRATION'] === '1') {
    describe(title, () => {
      it(`has ${name}`, () => {
        throw new Error(`REQUIRE_INTEGRATION=1, but ${missing}`);
      });
    });
  } else {
    console.warn(`\n*** SKIPPED: ${title}. There is no ${missing} ***\n`);
    describe.skip(title, body);
  }
}

async function shared<Address>(service: Service<Address>): Promise<Address> {
  const given = fromEnvironment(service);
  if (given !== undefined) return given;
  const folder = await serverFolder(service.name);
  return withLock(join(runFolder(), `${service.name}.lock`), () => startIn(service, folder));
}
