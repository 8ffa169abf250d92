import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { knownVariables, parseCommandLine } from '../command-lines.ts';
import { exists, imageEnvironment, packageJson, readDockerfile, textOf } from './files.ts';

const instructions = readDockerfile();
const texts = (name: string): string[] => instructions.flatMap((each) => (each.name === name ? [each.text] : []));
const copies = texts('COPY').map((text) => {
  const words = text.split(/\s+/);
  const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length);
  const paths = words.filter((word) => !word.startsWith('--'));
  return { from, sources: paths.slice(0, -1), target: paths.at(-1) ?? '' };
});

/** As Docker decides, for the plain names that `.dockerignore` has: the last line that names the path wins. */
function isIgnored(path: string): boolean {
  const lines = textOf('.dockerignore').split('\n');
  const patterns = lines.filter((line) => line !== '' && !line.startsWith('#'));
  let ignored = false;
  for (const pattern of patterns) {
    const name = pattern.replace(/^!/, '');
    if (!/^(\*|[\w.-]+)$/.test(name)) throw new Error(`This test does not understand "${pattern}" in .dockerignore.`);
    if (name === '*' || path.split('/')[0] === name) ignored = !pattern.startsWith('!');
  }
  return ignored;
}

function healthCheck(): { readonly command: string; readonly args: readonly string[] } {
  const [text = ''] = texts('HEALTHCHECK');
  const [command = '', ...args] = JSON.parse(text.slice(text.indexOf('['))) as string[];
  return { command, args };
}

async function checkHealth(environment: Readonly<Record<string, string>>): Promise<number | null> {
  const { command, args } = healthCheck();
  expect(command).toBe('node');
  const child = spawn(process.execPath, args, { env: environment, stdio: 'ignore' });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

describe('Dockerfile', () => {
  it('copies what is there and not ignored', () => {
    const sources = copies.filter(({ from }) => from === undefined).flatMap((copy) => copy.sources);
    expect(sources.length).toBeGreaterThan(5);
    for (const source of sources) {
      expect(exists(source), source).toBe(true);
      expect(isIgnored(source), `${source} in .dockerignore`).toBe(false);
    }
  });

  it('keeps everything else out of the build', () => {
    for (const path of ['.git', 'node_modules', 'data', '.embedstream', 'test', 'dist', '.cache', '.env'])
      expect(isIgnored(path), path).toBe(true);
  });

  it('copies from stages that there are', () => {
    const stages = texts('FROM').flatMap((text) => / AS (\w+)$/.exec(text)?.[1] ?? []);
    for (const { from } of copies) if (from !== undefined) expect(stages).toContain(from);
  });

  it('holds what the npm package holds, with its dependencies', () => {
    const targets = copies.flatMap(({ sources, target }) =>
      sources.map((source) => (target.endsWith('/') ? `${target}${source}` : target)),
    );
    const needed = packageJson.files.filter((file) => file !== 'CHANGELOG.md').map((file) => `/app/${file}`);
    expect(targets).toEqual(expect.arrayContaining([...needed, '/app/package.json', '/app/node_modules']));
  });

  it('is built on one version of Node: the one that everything else runs on', () => {
    const images = texts('FROM').filter((text) => text.includes(':'));
    expect(images.length).toBeGreaterThan(0);
    for (const image of images)
      expect(image).toMatch(new RegExp(`^node:${packageJson.dependencies['node']!}-\\w+-slim`));
  });

  it('runs the launcher behind an init process, without privileges, in a folder that it may write to', () => {
    expect(JSON.parse(texts('ENTRYPOINT')[0]!)).toEqual(['tini', '--', 'node', '/app/bin/embedstream.js']);
    expect(texts('USER')).toEqual(['1000:1000']);
    expect(texts('VOLUME')).toEqual(['/data']);
    expect(texts('RUN').join('\n')).toContain('install --directory --owner=1000 --group=1000 /data');
    // A relative output folder, too, must lead there.
    expect(texts('WORKDIR').at(-1)).toBe('/');
    expect(parseCommandLine(['sink', 'parquet']).options['out']).toBe('data');
  });

  it('sets variables that are read', () => {
    const environment = imageEnvironment();
    const known = knownVariables();
    const own = Object.keys(environment).filter((name) => name.startsWith('EMBEDSTREAM_'));
    expect(own.length).toBeGreaterThan(0);
    expect(own.filter((name) => !known.has(name))).toEqual([]);
    expect(textOf('src', 'cli', 'malloc-arenas.ts')).toContain(`ARENAS = '${environment['MALLOC_ARENA_MAX'] ?? ''}'`);
  });

  it('is healthy while /health/live answers, or without a metrics port, and not otherwise', async () => {
    let status = 200;
    const asked: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url);
      response.writeHead(status).end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const environment = { EMBEDSTREAM_METRICS_PORT: String((server.address() as AddressInfo).port) };
    try {
      expect(await checkHealth(environment)).toBe(0);
      status = 503;
      expect(await checkHealth(environment)).toBe(1);
    } finally {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    }
    expect(asked).toEqual(['/health/live', '/health/live']);
    expect(await checkHealth(environment)).toBe(1);
    expect(await checkHealth({})).toBe(0);
  });
});
