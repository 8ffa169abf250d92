import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { commands } from '../../src/cli/definitions/index.ts';
import { knownFlags, knownVariables, parseCommandLine, shellWords } from '../command-lines.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const documents = ['README.md', 'CONTRIBUTING.md', ...filesIn('docs'), ...filesIn('bench')];
const operations = readFileSync(join(ROOT, 'docs', 'operations.md'), 'utf8');

function filesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && !name.includes('node_modules'))
    .map((name) => join(folder, name));
}

interface Line {
  readonly document: string;
  readonly text: string;
}

/** Lines of code blocks, and code within lines: what a reader may copy. */
function codeIn(document: string): Line[] {
  const text = readFileSync(join(ROOT, document), 'utf8');
  const blocks = Array.from(text.matchAll(/^```\w*\n([^]*?)^```/gm), ([, block = '']) => block.split('\n')).flat();
  const inline = Array.from(text.replaceAll(/^```[^]*?^```/gm, '').matchAll(/`([^`]+)`/g), ([, code = '']) => code);
  // `npm ci && npm test`, and systemd's ExecStart.
  return [...blocks, ...inline]
    .flatMap((line) => line.split(/&&|\|\|/))
    .map((line) => ({ document, text: line.trim().replace(/^ExecStart=\S*\//, '') }));
}

const lines = documents.flatMap(codeIn);
const packageJson = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};
const compose = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
  readonly services: Readonly<Record<string, unknown>>;
};

/** The words after `embedstream`, however it is called; undefined when the line calls something else. */
function commandOf(text: string): string[] | undefined {
  const words = shellWords(text);
  const isCommand = (name = ''): boolean => commands.some((command) => command.name === name);
  if (words[0] === 'npx' && words[1] === 'embedstream') return words.slice(2);
  if (words[0] === 'embedstream' && words.length > 1) return words.slice(1);
  if (text.startsWith('docker compose run --rm cli ')) return words.slice(5);
  if (words[0] !== 'npm' || words[1] !== 'run' || !isCommand(words[2])) return undefined;
  return [words[2] ?? '', ...words.slice(words[3] === '--' ? 4 : 3)];
}

const called = lines.flatMap(({ document, text }) => {
  const words = commandOf(text);
  // `embedstream <command> --flags` stands for all of them.
  return words === undefined || /[<…]/.test(text) ? [] : [{ document, text, words }];
});

describe('the documentation', () => {
  it('shows commands', () => {
    expect(new Set(called.map(({ document }) => document))).toContain('README.md');
    expect(called.length).toBeGreaterThan(20);
  });

  it.each(called.map(({ document, text, words }) => [document, text, words] as const))(
    '%s: "%s" is taken as it stands',
    (_, __, words) => {
      if (words.includes('--help')) expect(commands.map(({ name }) => name)).toContain(words[0]);
      else expect(parseCommandLine(words).problems).toEqual([]);
    },
  );

  it('names scripts of npm that there are', () => {
    const names = lines.flatMap(({ document, text }) => {
      const name = /^npm run ([\w:-]+)/.exec(text)?.[1];
      return name === undefined ? [] : [{ document, name }];
    });
    expect(names.length).toBeGreaterThan(5);
    expect(names.filter(({ name }) => !(name in packageJson.scripts))).toEqual([]);
  });

  it('links to files that there are', () => {
    const links = documents.flatMap((document) => {
      const text = readFileSync(join(ROOT, document), 'utf8').replaceAll(/^```[^]*?^```/gm, '');
      return Array.from(text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g), ([, target = '']) => ({ document, target }));
    });
    expect(links.length).toBeGreaterThan(5);
    const missing = links.filter(({ document, target }) => {
      const path = join(ROOT, document, '..', target);
      const parent = join(path, '..');
      const name = path.replace(/\/$/, '').split('/').at(-1) ?? '';
      return name !== '' && !path.endsWith('/') && !readdirSync(parent).includes(name);
    });
    expect(missing).toEqual([]);
  });
});

describe('docs/operations.md', () => {
  it('names variables that are read', () => {
    const known = knownVariables();
    const composeText = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
    const names = Array.from(
      operations.matchAll(/\b(?:EMBEDSTREAM|KAFKA|SCHEMA_REGISTRY)_[A-Z_]+\b/g),
      ([name]) => name,
    );
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => !known.has(name) && !composeText.includes(`\${${name}:-`))).toEqual([]);
  });

  it('names flags that there are', () => {
    // compose has flags of its own.
    const known = new Set([...knownFlags(), 'profile']);
    const flags = Array.from(operations.matchAll(/`--([a-z-]+)[`= ]/g), ([, flag = '']) => flag);
    expect(flags.length).toBeGreaterThan(10);
    expect(flags.filter((flag) => !known.has(flag))).toEqual([]);
  });

  it('names metrics that there are', () => {
    const folder = join(ROOT, 'src', 'telemetry', 'metrics');
    const source = readdirSync(folder)
      .map((file) => readFileSync(join(folder, file), 'utf8'))
      .join('\n');
    const names = Array.from(operations.matchAll(/\bembedstream_([a-z_]+)\b/g), ([, name = '']) => name);
    expect(names.length).toBeGreaterThan(4);
    const isThere = (name: string): boolean => source.includes(`'${name.replace(/_bucket$/, '')}'`);
    expect(names.filter((name) => !isThere(name))).toEqual([]);
  });

  it('names services of docker-compose.yml and files of deploy/kubernetes', () => {
    const services = Array.from(operations.matchAll(/--scale (\S+)=|compose cp (\S+):/g), ([, a, b]) => a ?? b ?? '');
    expect(services.length).toBeGreaterThan(1);
    expect(services.filter((name) => !(name in compose.services))).toEqual([]);
    const files = Array.from(operations.matchAll(/`([\w.-]+\.yaml)`/g), ([, file = '']) => file);
    const there = readdirSync(join(ROOT, 'deploy', 'kubernetes'));
    expect(files.length).toBeGreaterThan(3);
    expect(files.filter((file) => !there.includes(file))).toEqual([]);
  });
});
