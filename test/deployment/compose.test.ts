import { describe, expect, it } from 'vitest';
import { globalFlags } from '../../src/cli/definitions/global.ts';
import { knownVariables, parseCommandLine } from '../command-lines.ts';
import { imageEnvironment, packageJson, readCompose, textOf, type ComposeService } from './files.ts';
import { composeFaults } from './schemas.ts';

const compose = readCompose();
const services = Object.entries(compose.services);
const own = services.filter(([, { build }]) => build !== undefined);
const servers = services.filter(([, { build }]) => build === undefined);

function environmentOf({ environment = {} }: ComposeService): Record<string, string> {
  const entries = Object.entries(environment).map(([name, value]): [string, string] => [name, String(value)]);
  return { ...imageEnvironment(), ...Object.fromEntries(entries) };
}

function seconds(duration = ''): number {
  const match = /^(\d+)s$/.exec(duration);
  if (match === null) throw new Error(`"${duration}" is not a number of seconds`);
  return Number(match[1]);
}

describe('docker-compose.yml', () => {
  it('is valid by the compose specification, which finds an unknown key', () => {
    expect(composeFaults(compose)).toEqual([]);
    expect(composeFaults({ services: { a: { image: 'a', restrat: 'always' } } }).join()).toContain('restrat');
  });

  it.each(own)('%s starts with a command line and an environment that the program takes as they are', (_, service) => {
    expect(parseCommandLine(service.command ?? [], environmentOf(service)).problems).toEqual([]);
  });

  it.each(own)('%s has only variables that the program reads', (_, service) => {
    const known = knownVariables();
    const unknown = Object.keys(service.environment ?? {}).filter((name) => !known.has(name));
    expect(unknown).toEqual([]);
  });

  it.each(services)('%s has an image of one version, and no secret', (_, { image, environment = {} }) => {
    expect(image).toMatch(/^[\w./-]+:\d+\.\d+\.\d+$/);
    expect(Object.keys(environment).filter((name) => /PASSWORD|SECRET|PASSPHRASE|TOKEN/.test(name))).toEqual([]);
  });

  it('has the versions that the tests run against, and its own', () => {
    expect(textOf('test', 'services', 'kafka', 'pom.xml')).toContain(
      `<kafka.version>${compose.services['kafka']?.image.split(':')[1] ?? '?'}</kafka.version>`,
    );
    for (const [, { image }] of own) expect(image).toBe(`embedstream:${packageJson.version}`);
  });

  it.each(servers)('%s tells when it is ready', (_, { healthcheck }) => {
    expect(healthcheck?.test.length).toBeGreaterThan(1);
  });

  it.each(own)('%s waits for servers that can tell, and stops cleanly in its time', (_, service) => {
    for (const [name, { condition }] of Object.entries(service.depends_on ?? {})) {
      if (condition === 'service_healthy') expect(compose.services[name]?.healthcheck, name).toBeDefined();
    }
    expect(Object.keys(service.depends_on ?? {})).toEqual(expect.arrayContaining(['kafka', 'registry']));
    const longest = globalFlags.sessionTimeout.default + globalFlags.transactionTimeout.default;
    expect(seconds(service.stop_grace_period)).toBeGreaterThanOrEqual(longest);
    expect(service.user).toBe('1000:1000');
  });

  it.each(own.filter(([, { command = [] }]) => command.includes('--follow')))(
    '%s can be started many times, starts again after a failure, and answers health checks',
    (_, service) => {
      expect(service).not.toHaveProperty('container_name');
      expect(service).not.toHaveProperty('ports');
      expect(service.restart).toBe('on-failure');
      const { options } = parseCommandLine(service.command ?? [], environmentOf(service));
      expect(options['metricsPort']).toBeGreaterThan(0);
      expect(options['metricsHost']).toBe('0.0.0.0');
    },
  );

  it('starts Elasticsearch together with what fills it, only where that is asked for', () => {
    expect(services.filter(([, { profiles }]) => profiles?.includes('search')).map(([name]) => name)).toEqual([
      'sink-elasticsearch',
      'elasticsearch',
    ]);
    expect(compose.services['sink-elasticsearch']?.depends_on).toHaveProperty('elasticsearch');
    const { options } = parseCommandLine(
      ['sink', 'elasticsearch'],
      environmentOf(compose.services['cli'] ?? { image: '' }),
    );
    expect(new URL(String(options['esUrl'])).hostname).toBe('elasticsearch');
  });

  it('declares the volumes that it mounts, and publishes ports on this machine only', () => {
    const mounted = services.flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(':')[0] ?? ''));
    expect(mounted.filter((name) => !name.startsWith('.') && !(name in compose.volumes))).toEqual([]);
    for (const port of services.flatMap(([, { ports = [] }]) => ports)) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  it('reads an example that is there', () => {
    const { volumes, environment } = compose.services['producer'] ?? {};
    const [source, target] = volumes?.[0]?.split(':') ?? [];
    const file = String(environment?.['EMBEDSTREAM_SOURCE']).replace(target ?? '?', source ?? '?');
    expect(textOf(file).length).toBeGreaterThan(0);
  });
});
