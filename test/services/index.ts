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
import { securedElasticsearch as securedSearch, type SecuredElasticsearch } from './elasticsearch/secured.ts';
import { elasticsearch, elasticsearchInJvm } from './elasticsearch/service.ts';
import { kafkaInJvm } from './kafka/jvm.ts';
import type { Properties } from './kafka/properties.ts';
import { kafka } from './kafka/service.ts';
import { withLock } from './lock.ts';
import { OwnServer } from './own-server.ts';
import { postgres, postgresLaunched } from './postgres/service.ts';
import { registry, registryInJvm } from './registry/service.ts';
import { watchedRunFolder } from './run-folder.ts';
import { s3, s3Launched, type S3Server } from './s3/service.ts';
import { securedKafka as secured, type SecuredKafka } from './secured/service.ts';
import type { Service, Way } from './service.ts';
import { fromEnvironment, missingService, startIn } from './start.ts';

export type { OwnServer } from './own-server.ts';
export type { SecuredElasticsearch } from './elasticsearch/secured.ts';
export { s3Client, s3Environment, type S3Server } from './s3/service.ts';
export type { SecuredKafka } from './secured/service.ts';
export { signToken } from './secured/tokens.ts';

/** The controller lets a broker in again when its last session is over: after 9 s, if nothing else is said. */
const BACK_SOON = { 'broker.session.timeout.ms': 4000, 'broker.heartbeat.interval.ms': 500 };

const SERVICES = {
  kafka,
  registry,
  'secured-kafka': secured,
  'own-kafka': own(kafka, kafkaInJvm()),
  'own-registry': own(registry, registryInJvm),
  postgres,
  'own-postgres': own(postgres, postgresLaunched),
  s3,
  'own-s3': own(s3, s3Launched),
  elasticsearch,
  'own-elasticsearch': own(elasticsearch, elasticsearchInJvm()),
  'secured-elasticsearch': securedSearch,
};

/** Brokers without security, as `host:port`. Topics of other tests are on them: use a namespace of your own. */
export function kafkaBrokers(): Promise<string[]> {
  return shared(kafka);
}

/** The URL of a schema registry's Confluent-compatible API. Use subjects of your own. */
export function schemaRegistryUrl(): Promise<string> {
  return shared(registry);
}

/** A connection string of a user who may make databases: make one of your own. pgvector can be made in it. */
export function postgresUrl(): Promise<string> {
  return shared(postgres);
}

/** An S3 server. Use buckets of your own. */
export function s3Server(): Promise<S3Server> {
  return shared(s3);
}

/** The URL of an Elasticsearch without security. Use index names of your own. */
export function elasticsearchUrl(): Promise<string> {
  return shared(elasticsearch);
}

/** An Elasticsearch with TLS and users. */
export function securedElasticsearch(): Promise<SecuredElasticsearch> {
  return shared(securedSearch);
}

/** A broker with TLS, SASL and an authorizer. Topics of other tests are on it. */
export function securedKafka(): Promise<SecuredKafka> {
  return shared(secured);
}

/**
 * A broker of the test's own, to be killed and started again; its address is its brokers. The test ends it by
 * `remove()`.
 *
 * @param overrides properties of the broker that differ from what tests usually want
 */
export function restartableKafka(overrides?: Properties): Promise<OwnServer<string[]>> {
  return OwnServer.start(kafka, kafkaInJvm({ ...BACK_SOON, ...overrides }));
}

/** A schema registry of the test's own, to be killed and started again. The test ends it by `remove()`. */
export function restartableRegistry(): Promise<OwnServer<string>> {
  return OwnServer.start(registry, registryInJvm);
}

/** A Postgres of the test's own, to be killed and started again. The test ends it by `remove()`. */
export function restartablePostgres(): Promise<OwnServer<string>> {
  return OwnServer.start(postgres, postgresLaunched);
}

/** An S3 server of the test's own, to be killed and started again. The test ends it by `remove()`. */
export function restartableS3(): Promise<OwnServer<S3Server>> {
  return OwnServer.start(s3, s3Launched);
}

/** An Elasticsearch of the test's own, to be killed and started again. The test ends it by `remove()`. */
export function restartableElasticsearch(): Promise<OwnServer<string>> {
  return OwnServer.start(elasticsearch, elasticsearchInJvm());
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

/** One that a test may kill is started by us, whatever the environment names. */
function own<Address>(service: Service<Address>, way: Way<Address>): Service<Address> {
  return { ...service, variable: undefined, ways: [way] };
}

async function shared<Address>(service: Service<Address>): Promise<Address> {
  const given = fromEnvironment(service);
  if (given !== undefined) return given;
  const root = await watchedRunFolder();
  return withLock(join(root, `${service.name}.lock`), () => startIn(service, root));
}
