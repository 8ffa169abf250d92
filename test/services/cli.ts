/**
 * Kafka, a schema registry, Postgres, Elasticsearch and S3 for a person: `npm run services -- up|down|status|fetch`.
 *
 *   up [NAME…]       starts them, or those that are named, and prints what to export
 *   down [--wipe]    ends them; --wipe removes their data too
 *   status           says what runs; exits 1 where something does not
 *   fetch            downloads what tests start, so that no test waits for it
 *
 * They stay until `down`, and keep their data between. Only what is to be exported goes to stdout:
 * `eval "$(npm run --silent services -- up)"` sets it.
 */
import { mkdirSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CACHE } from './cache.ts';
import { securedElasticsearch } from './elasticsearch/secured.ts';
import { elasticsearch } from './elasticsearch/service.ts';
import { kafka } from './kafka/service.ts';
import { withLock } from './lock.ts';
import { postgres } from './postgres/service.ts';
import { registry } from './registry/service.ts';
import { s3 } from './s3/service.ts';
import { securedKafka } from './secured/service.ts';
import { endServer, runningPid } from './server-process.ts';
import type { Service } from './service.ts';
import { fromEnvironment, missingService, openWays, runningAddress, startIn } from './start.ts';

const USAGE =
  'usage: npm run services -- up [kafka] [registry] [postgres] [elasticsearch] [s3] | down [--wipe] | status | fetch';
const NAMES = [kafka.name, registry.name, postgres.name, elasticsearch.name, s3.name];

const { values, positionals } = readArguments();
const [command, ...named] = positionals;
mkdirSync(values.root, { recursive: true });
const root = realpathSync(values.root);
const chosen = (name: string): boolean => named.length === 0 || named.includes(name);

if (named.some((name) => !NAMES.includes(name))) fail(`There is no service ${named.join()}. ${USAGE}`, 2);
else if (command === 'up') await up();
else if (command === 'down') await withLock(join(root, 'lock'), down);
else if (command === 'status') status();
else if (command === 'fetch') await fetchAll();
else fail(USAGE, 2);

function readArguments(): {
  readonly values: { readonly wipe: boolean; readonly root: string };
  readonly positionals: readonly string[];
} {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        wipe: { type: 'boolean', default: false },
        // For tests: otherwise data is under .cache/services/dev.
        root: { type: 'string', default: join(CACHE, 'dev') },
      },
    });
  } catch (error) {
    // --help comes here, too.
    console.error(
      `${
        String(error)
          .replace(/^.*?: /, '')
          .split('. ')[0] ?? ''
      }. ${USAGE}`,
    );
    process.exit(2);
  }
}

async function up(): Promise<void> {
  await withLock(join(root, 'lock'), async () => {
    if (chosen(kafka.name)) await start(kafka);
    if (chosen(registry.name)) await start(registry);
    if (chosen(postgres.name)) await start(postgres);
    if (chosen(elasticsearch.name)) await start(elasticsearch);
    if (chosen(s3.name)) await start(s3);
  });
}

async function start<Address>(service: Service<Address>): Promise<void> {
  // A person wants the data to stay.
  const ways = openWays(service).sort((one, other) => Number(other.keepsData) - Number(one.keepsData));
  if (ways.length === 0) {
    fail(`There is no way to start ${service.name}: ${service.ways.map((way) => way.missing()).join('; or ')}`, 1);
    return;
  }
  console.error(`${service.name}: starting…`);
  const address = await startIn(service, root, ways, service.usualPorts);
  say(service, address);
  console.log(`export ${service.exported(address)}`);
}

async function down(): Promise<void> {
  for (const name of NAMES) {
    const ended = await endServer(join(root, name), 'SIGTERM');
    console.error(`${name}: ${ended ? 'ended' : 'did not run'}`);
    if (values.wipe) rmSync(join(root, name), { recursive: true, force: true, maxRetries: 3 });
  }
}

function status(): void {
  const show = <Address>(service: Service<Address>): void => {
    const address = runningAddress(service, root);
    if (address === undefined) fail(`${service.name}: does not run`, 1);
    else {
      say(service, address);
      console.log(`export ${service.exported(address)}`);
    }
  };
  show(kafka);
  show(registry);
  show(postgres);
  show(elasticsearch);
  show(s3);
}

function say<Address>(service: Service<Address>, address: Address): void {
  const folder = join(root, service.name);
  const [, value = ''] = service.exported(address).split(/[= ]/);
  console.error(`${service.name}: ready at ${value}, process ${runningPid(folder) ?? '?'}, data in ${folder}`);
}

async function fetchAll(): Promise<void> {
  const fetchOne = async <Address>(service: Service<Address>): Promise<void> => {
    const missing = missingService(service);
    if (missing !== undefined) fail(`There is no ${missing}`, 1);
    if (fromEnvironment(service) === undefined) for (const way of openWays(service)) await way.fetch();
    console.error(`${service.name}: ${missing === undefined ? 'ready to start' : 'can’t be had'}`);
  };
  await fetchOne(kafka);
  await fetchOne(registry);
  await fetchOne(postgres);
  await fetchOne(securedKafka);
  await fetchOne(elasticsearch);
  await fetchOne(securedElasticsearch);
  await fetchOne(s3);
}

function fail(message: string, exitCode: 1 | 2): void {
  console.error(message);
  process.exitCode = exitCode;
}
